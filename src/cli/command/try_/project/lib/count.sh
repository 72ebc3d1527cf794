#!/bin/sh
# Counting.

# How many words the file $1 has.
count_words() {
  tr -s ' \t' '\n' <"$1" | wc -l
}
