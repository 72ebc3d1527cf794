#!/bin/sh
# Reporting.

# One line for the file $1 with $2 words.
report() {
  printf '%7d  %s\n' "$2" "$1"
}
