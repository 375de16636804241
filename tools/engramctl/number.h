/* SPDX-License-Identifier: MIT */
/* Numbers as text. */
#ifndef ENGRAMCTL_NUMBER_H
#define ENGRAMCTL_NUMBER_H

#define NUMBER_TEXT_SIZE 32

/* Writes the shortest digits that are read as the same number; a whole one has no point. */
void number_text(double value, char text[NUMBER_TEXT_SIZE]);

#endif
