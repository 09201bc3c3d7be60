#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Several processes do all kinds of I/O on one file.
stress-ng --temp-path /srv --iomix 2 --iomix-bytes 32m --metrics-brief -t "$FIELD_SECONDS"
