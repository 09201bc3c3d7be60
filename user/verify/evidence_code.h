/* SPDX-License-Identifier: GPL-2.0-only */
/* Evidence from the running kernel's own code, read through BPF; none of it is executed. */
#ifndef EXT4RACE_EVIDENCE_CODE_H
#define EXT4RACE_EVIDENCE_CODE_H

#include "report/verdict.h"
#include "verify/evidence_livepatch.h"
#include "verify/verify_probe.h"

/* How often the mapping function calls the lookup. Fills *ev, always. */
void evidence_code(struct evidence *ev, struct verify_probe *probe,
		   const struct livepatch_state *livepatch);

#endif /* EXT4RACE_EVIDENCE_CODE_H */
