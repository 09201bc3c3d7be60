// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <gnutls/x509.h>

#include "base/clock.h"
#include "base/say.h"
#include "http/http_tls.h"
#include "report/report.h"

enum { CERT, KEY, CA, N_FILES };

/* A file as it was when it was read. */
struct pem {
	gnutls_datum_t data;
	struct timespec mtime;
	ino_t ino;
};

struct tls_creds {
	unsigned int refs; /* of the HTTP thread only */
	struct pem pem[N_FILES];
	gnutls_certificate_credentials_t cred;
};

static const char *file_of(const struct web_config *config, int which)
{
	return which == CERT ? config->cert_file :
	       which == KEY  ? config->key_file :
			       config->client_ca_file;
}

static int pem_read(struct pem *pem, const char *path, char *why, size_t size)
{
	struct stat st;
	int ret;

	if (stat(path, &st)) {
		ret = -errno;
		snprintf(why, size, "%s: %s", path, strerror(-ret));
		return ret;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > 1 << 20) {
		snprintf(why, size, "%s: not a PEM file", path);
		return -EINVAL;
	}
	ret = gnutls_load_file(path, &pem->data);
	if (ret) {
		snprintf(why, size, "%s: cannot be read: %s", path, gnutls_strerror(ret));
		return -EACCES;
	}
	pem->mtime = st.st_mtim;
	pem->ino = st.st_ino;
	return 0;
}

static int use_files(struct tls_creds *creds, const struct web_config *config, char *why,
		     size_t size)
{
	int ret;

	ret = gnutls_certificate_allocate_credentials(&creds->cred);
	if (ret) {
		snprintf(why, size, "out of memory");
		return -ENOMEM;
	}
	ret = gnutls_certificate_set_x509_key_mem(creds->cred, &creds->pem[CERT].data,
						  &creds->pem[KEY].data, GNUTLS_X509_FMT_PEM);
	if (ret < 0) {
		snprintf(why, size, "%s and %s: %s", config->cert_file, config->key_file,
			 gnutls_strerror(ret));
		return -EINVAL;
	}
	if (!config->client_ca_file)
		return 0;
	/* The number of certificates: none is a mistake as well. */
	ret = gnutls_certificate_set_x509_trust_mem(creds->cred, &creds->pem[CA].data,
						    GNUTLS_X509_FMT_PEM);
	if (ret > 0)
		return 0;
	snprintf(why, size, "%s: %s", config->client_ca_file,
		 ret ? gnutls_strerror(ret) : "holds no certificate");
	return -EINVAL;
}

/* The names of the files are the configuration's. */
static void make_printable(char *why, size_t size)
{
	char raw[512];

	snprintf(raw, sizeof(raw), "%s", why);
	printable(why, size, raw);
}

int tls_creds_load(const struct web_config *config, struct tls_creds **out, char *why, size_t size)
{
	struct tls_creds *creds = calloc(1, sizeof(*creds));
	int which, ret = 0;

	if (!creds) {
		snprintf(why, size, "out of memory");
		return -ENOMEM;
	}
	creds->refs = 1;
	for (which = 0; !ret && which < N_FILES; which++)
		if (file_of(config, which))
			ret = pem_read(&creds->pem[which], file_of(config, which), why, size);
	if (!ret)
		ret = use_files(creds, config, why, size);
	if (!ret) {
		*out = creds;
		return 0;
	}
	tls_creds_put(creds);
	make_printable(why, size);
	return ret;
}

struct tls_creds *tls_creds_get(struct tls_creds *creds)
{
	creds->refs++;
	return creds;
}

void tls_creds_put(struct tls_creds *creds)
{
	int which;

	if (!creds || --creds->refs)
		return;
	if (creds->cred)
		gnutls_certificate_free_credentials(creds->cred);
	if (creds->pem[KEY].data.data)
		gnutls_memset(creds->pem[KEY].data.data, 0, creds->pem[KEY].data.size);
	for (which = 0; which < N_FILES; which++)
		gnutls_free(creds->pem[which].data.data);
	free(creds);
}

static bool changed(const struct tls_creds *creds, const struct web_config *config)
{
	struct stat st;
	int which;

	for (which = 0; which < N_FILES; which++) {
		const struct pem *pem = &creds->pem[which];

		/* Somebody is replacing it just now: the old one still serves. */
		if (!file_of(config, which) || stat(file_of(config, which), &st))
			continue;
		if (st.st_ino != pem->ino || st.st_mtim.tv_sec != pem->mtime.tv_sec ||
		    st.st_mtim.tv_nsec != pem->mtime.tv_nsec)
			return true;
	}
	return false;
}

void tls_creds_refresh(struct tls_creds **creds, struct tls_refresh *refresh,
		       const struct web_config *config)
{
	uint64_t now = monotonic_ns();
	struct tls_creds *new;
	char why[512];

	if (refresh->looked_ns && now - refresh->looked_ns < NSEC_PER_SEC)
		return;
	refresh->looked_ns = now;
	if (!changed(*creds, config)) {
		refresh->said[0] = '\0';
		return;
	}
	if (!tls_creds_load(config, &new, why, sizeof(why))) {
		tls_creds_put(*creds);
		*creds = new;
		refresh->said[0] = '\0';
		return;
	}
	/* Perhaps only one of two files is replaced yet: the next look tries again. */
	if (strcmp(refresh->said, why))
		say("certificates kept as they were: %s", why);
	strcpy(refresh->said, why);
}

static int verify(gnutls_session_t session)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	unsigned int status;

	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) || status)
		return GNUTLS_E_CERTIFICATE_ERROR;
	return 0;
}

static int verify_if_given(gnutls_session_t session)
{
	unsigned int n = 0;

	return gnutls_certificate_get_peers(session, &n) && n ? verify(session) : 0;
}

int tls_creds_apply(const struct tls_creds *creds, const struct web_config *config,
		    gnutls_session_t session)
{
	static const gnutls_certificate_request_t request[] = {
		[CLIENT_AUTH_NONE] = GNUTLS_CERT_IGNORE,
		[CLIENT_AUTH_REQUEST] = GNUTLS_CERT_REQUEST,
		[CLIENT_AUTH_REQUIRE_ANY] = GNUTLS_CERT_REQUIRE,
		[CLIENT_AUTH_VERIFY_IF_GIVEN] = GNUTLS_CERT_REQUEST,
		[CLIENT_AUTH_REQUIRE_VERIFY] = GNUTLS_CERT_REQUIRE,
	};
	int ret;

	ret = gnutls_priority_set_direct(session, config->priority, NULL);
	if (ret)
		return ret;
	ret = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, creds->cred);
	if (ret)
		return ret;
	gnutls_certificate_server_set_request(session, request[config->client_auth]);
	if (config->client_auth == CLIENT_AUTH_REQUIRE_VERIFY)
		gnutls_session_set_verify_function(session, verify);
	if (config->client_auth == CLIENT_AUTH_VERIFY_IF_GIVEN)
		gnutls_session_set_verify_function(session, verify_if_given);
	return 0;
}

/* gnutls_load_file() ends what it read with a NUL. */
const char *tls_creds_cert(const struct tls_creds *creds)
{
	return (const char *)creds->pem[CERT].data.data;
}

const char *tls_creds_key(const struct tls_creds *creds)
{
	return (const char *)creds->pem[KEY].data.data;
}

bool tls_client_verified(const struct web_config *config, gnutls_session_t session)
{
	unsigned int n = 0;

	/* With these two, no session begins with a certificate that is wrong. */
	return (config->client_auth == CLIENT_AUTH_REQUIRE_VERIFY ||
		config->client_auth == CLIENT_AUTH_VERIFY_IF_GIVEN) &&
	       gnutls_certificate_get_peers(session, &n) && n;
}
