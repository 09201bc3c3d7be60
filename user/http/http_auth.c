// SPDX-License-Identifier: GPL-2.0-only
#include <crypt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/clock.h"
#include "base/thread.h"
#include "http/http_auth.h"

#define SUM_BYTES 32 /* of SHA-256 */
/* A third of what the detector gets where both want the CPU. */
#define CHECKS_NICE 5

/* A password, and what it is to be checked against, whatever the configuration becomes. */
struct auth_check {
	struct auth_check *next;
	unsigned char sum[SUM_BYTES];
	char setting[WEB_HASH_BYTES + 1]; /* of the user, or of one that there is not */
	bool known;			  /* there is such a user */
	char *password;
	bool right;
	uint64_t charged_ns; /* in advance */
	void *arg;
};

struct http_auth {
	/* The caller's thread. */
	unsigned char key[SUM_BYTES];
	unsigned char good[HTTP_AUTH_CACHED][SUM_BYTES];
	size_t n_good, next;
	void (*resume)(void *ctx, void *arg);
	void *ctx;
	pthread_t thread;
	bool running;

	struct crypt_data crypt; /* the checking thread's */

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t changed;
	struct auth_check *first, **last;
	unsigned int waiting; /* or being checked */
	bool stop;
	int64_t budget_ns; /* less than nothing: a check took longer than was charged */
	uint64_t filled_ns;
	uint64_t price_ns; /* of the last check */
};

/* ---------------------------------------------------------------- the budget */

/* With the lock held. What a check will cost is known only afterwards: as the last one. */
static bool charge(struct http_auth *auth, struct auth_check *check, uint64_t now_ns)
{
	auth->budget_ns += (int64_t)((now_ns - auth->filled_ns) / HTTP_AUTH_SHARE);
	auth->filled_ns = now_ns;
	if (auth->budget_ns > (int64_t)HTTP_AUTH_BURST_NS)
		auth->budget_ns = HTTP_AUTH_BURST_NS;
	if (auth->budget_ns < (int64_t)HTTP_AUTH_LEAST_NS || auth->waiting == HTTP_AUTH_WAITING)
		return false;
	check->charged_ns = auth->price_ns;
	auth->budget_ns -= (int64_t)check->charged_ns;
	return true;
}

/* With the lock held. */
static void settle(struct http_auth *auth, const struct auth_check *check, uint64_t cost_ns)
{
	auth->price_ns = cost_ns > HTTP_AUTH_LEAST_NS ? cost_ns : HTTP_AUTH_LEAST_NS;
	auth->budget_ns -= (int64_t)auth->price_ns - (int64_t)check->charged_ns;
}

/* ------------------------------------------------------- the checking thread */

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return timespec_ns(&ts);
}

/* With the lock held. */
static struct auth_check *take(struct http_auth *auth)
{
	struct auth_check *check = auth->first;

	auth->first = check->next;
	if (!auth->first)
		auth->last = &auth->first;
	return check;
}

static void *check_all(void *arg)
{
	struct http_auth *auth = arg;
	struct auth_check *check;
	uint64_t begun;
	bool stop;

	/* Of this thread only. Not the least there is: on a busy host that would be never. */
	setpriority(PRIO_PROCESS, 0, CHECKS_NICE);
	pthread_mutex_lock(&auth->lock);
	for (;;) {
		while (!auth->first && !auth->stop)
			pthread_cond_wait(&auth->changed, &auth->lock);
		if (!auth->first)
			break;
		check = take(auth);
		stop = auth->stop;
		pthread_mutex_unlock(&auth->lock);
		begun = cpu_ns();
		if (!stop)
			check->right = web_password_matches(check->password, check->setting,
							    &auth->crypt) &&
				       check->known;
		pthread_mutex_lock(&auth->lock);
		settle(auth, check, cpu_ns() - begun);
		auth->waiting--;
		/* With the lock held, so that http_auth_stop() comes after it. */
		auth->resume(auth->ctx, check->arg);
	}
	pthread_mutex_unlock(&auth->lock);
	return NULL;
}

/* With the first check: by then the caller has dropped what it does not need. */
static int start_thread(struct http_auth *auth)
{
	int err;

	if (auth->running)
		return 0;
	err = thread_start(&auth->thread, "passwords", check_all, auth);
	auth->running = !err;
	return err;
}

void http_auth_stop(struct http_auth *auth)
{
	if (!auth->running)
		return;
	pthread_mutex_lock(&auth->lock);
	auth->stop = true;
	pthread_cond_broadcast(&auth->changed);
	pthread_mutex_unlock(&auth->lock);
	pthread_join(auth->thread, NULL);
	auth->running = false;
}

/* ---------------------------------------------------------- who is known */

/* HMAC of name, password and the hash they were checked against; 0 or an error. */
static int sum_of(const struct http_auth *auth, const char *user, const char *password,
		  const char *hash, unsigned char sum[SUM_BYTES])
{
	gnutls_hmac_hd_t hmac;
	int ret;

	ret = gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, auth->key, sizeof(auth->key));
	if (ret)
		return ret;
	/* With the NULs: no two triples give the same bytes. */
	ret = gnutls_hmac(hmac, user, strlen(user) + 1);
	if (!ret)
		ret = gnutls_hmac(hmac, password, strlen(password) + 1);
	if (!ret)
		ret = gnutls_hmac(hmac, hash, strlen(hash) + 1);
	gnutls_hmac_deinit(hmac, ret ? NULL : sum);
	return ret;
}

static bool remembered(const struct http_auth *auth, const unsigned char sum[SUM_BYTES])
{
	size_t i;

	for (i = 0; i < auth->n_good; i++)
		if (!gnutls_memcmp(auth->good[i], sum, SUM_BYTES))
			return true;
	return false;
}

static void remember(struct http_auth *auth, const unsigned char sum[SUM_BYTES])
{
	memcpy(auth->good[auth->next], sum, SUM_BYTES);
	auth->next = (auth->next + 1) % HTTP_AUTH_CACHED;
	if (auth->n_good < HTTP_AUTH_CACHED)
		auth->n_good++;
}

/* ----------------------------------------------------------------- asking */

static void check_free(struct auth_check *check)
{
	if (check->password)
		gnutls_memset(check->password, 0, strlen(check->password));
	free(check->password);
	free(check);
}

static struct auth_check *check_new(const struct web_config *config, const char *user,
				    const char *password)
{
	struct auth_check *check = calloc(1, sizeof(*check));

	if (!check)
		return NULL;
	check->known = web_config_hash(config, user) != NULL;
	web_config_setting(config, user, check->setting);
	check->password = strdup(password);
	if (check->password)
		return check;
	free(check);
	return NULL;
}

enum auth_result http_auth_ask(struct http_auth *auth, const struct web_config *config,
			       const char *user, const char *password, uint64_t now_ns,
			       struct auth_check **check)
{
	unsigned char sum[SUM_BYTES];
	struct auth_check *new;
	const char *hash;
	bool room;

	if (!user || !password)
		return AUTH_WRONG;
	hash = web_config_hash(config, user);
	if (sum_of(auth, user, password, hash ? hash : "", sum))
		return AUTH_WRONG;
	if (hash && remembered(auth, sum))
		return AUTH_OK;
	new = check_new(config, user, password);
	if (!new)
		return AUTH_WRONG;
	memcpy(new->sum, sum, SUM_BYTES);
	pthread_mutex_lock(&auth->lock);
	room = charge(auth, new, now_ns);
	auth->waiting += room;
	pthread_mutex_unlock(&auth->lock);
	if (!room) {
		check_free(new);
		return AUTH_TOO_FAST;
	}
	*check = new;
	return AUTH_LATER;
}

int http_auth_submit(struct http_auth *auth, struct auth_check *check, void *arg)
{
	int err = start_thread(auth);

	check->arg = arg;
	pthread_mutex_lock(&auth->lock);
	if (err) {
		auth->waiting--;
	} else {
		*auth->last = check;
		auth->last = &check->next;
		pthread_cond_broadcast(&auth->changed);
	}
	pthread_mutex_unlock(&auth->lock);
	return err;
}

enum auth_result http_auth_result(struct http_auth *auth, struct auth_check *check)
{
	enum auth_result result;

	/* The thread's last touch of it is under the lock. */
	pthread_mutex_lock(&auth->lock);
	result = check->right ? AUTH_OK : AUTH_WRONG;
	pthread_mutex_unlock(&auth->lock);
	if (result == AUTH_OK)
		remember(auth, check->sum);
	check_free(check);
	return result;
}

struct http_auth *http_auth_new(void (*resume)(void *ctx, void *arg), void *ctx)
{
	struct http_auth *auth = calloc(1, sizeof(*auth));

	if (!auth)
		return NULL;
	auth->resume = resume;
	auth->ctx = ctx;
	auth->last = &auth->first;
	auth->budget_ns = HTTP_AUTH_BURST_NS;
	auth->price_ns = HTTP_AUTH_LEAST_NS;
	pthread_mutex_init(&auth->lock, NULL);
	pthread_cond_init(&auth->changed, NULL);
	if (gnutls_rnd(GNUTLS_RND_KEY, auth->key, sizeof(auth->key))) {
		http_auth_free(auth);
		return NULL;
	}
	return auth;
}

void http_auth_free(struct http_auth *auth)
{
	if (!auth)
		return;
	pthread_cond_destroy(&auth->changed);
	pthread_mutex_destroy(&auth->lock);
	gnutls_memset(auth, 0, sizeof(*auth));
	free(auth);
}
