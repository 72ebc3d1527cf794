# give every shell file a licence line
for file in bin/tally lib/*.sh tests/check; do
  sed -e '1a\' -e '# SPDX-License-Identifier: MIT' "$file" >"$file.new" && cat "$file.new" >"$file" && rm "$file.new"
  echo "marked $file"
  sleep 0.5
done
