// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "base/say.h"
#include "cli/help.h"

/* The default command's help is the one that most people see first: it names all of them. */
static void print_commands(void)
{
	const struct command_def *cmd;

	puts("Commands:");
	for (cmd = command_table; cmd->name; cmd++)
		printf("  %-8s  %s\n", cmd->name, cmd->help);
	printf("\nUsage: " PROGRAM " [COMMAND] [OPTION...]\n"
	       "COMMAND --help lists the options of a command. Those of %s:\n\n",
	       command_table->name);
}

void help_begin(const struct command_def *cmd)
{
	if (cmd == command_table)
		print_commands();
	else
		printf("Usage: " PROGRAM " %s [OPTION...]\n\n%s.\n\n", cmd->name, cmd->help);
}

void help_end(const struct command_def *cmd)
{
	printf("\nExit status: %s\n\nExamples:\n%s", cmd->statuses, cmd->examples);
}
