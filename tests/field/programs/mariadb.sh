#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# InnoDB, four clients that insert.
mkdir -p /srv/my /run/mysqld && chown mysql /srv/my /run/mysqld
mysql_install_db --user=mysql --datadir=/srv/my --skip-test-db >/dev/null || exit 1
mysqld --user=mysql --datadir=/srv/my --socket=/run/mysqld/s --skip-networking &
server=$!
until mysqladmin -S /run/mysqld/s ping >/dev/null 2>&1; do kill -0 $server || exit 1; done
mysqlslap -S /run/mysqld/s -a --auto-generate-sql-load-type=write -c 4 --number-of-queries=4000
status=$?
mysqladmin -S /run/mysqld/s shutdown
wait $server
exit $status
