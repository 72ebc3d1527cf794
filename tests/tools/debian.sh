# shellcheck shell=bash
# Sourced by the tools here that unpack Debian packages; no program of its own. It works on `work`, a temporary folder, and
# `arch`, the machine's architecture, which the caller sets, and installs nothing on the machine: apt gets a state of its own.
# shellcheck disable=SC2154 # work and arch are the caller's

# The archive this machine uses for its own release; security and backports have another layout.
archive_uri() {
  # shellcheck disable=SC2016 # $(NAME) is apt's own notation
  apt-get indextargets --no-release-info --format '$(IDENTIFIER) $(COMPONENT) $(ORIGIN) $(REPO_URI)' \
    'Identifier: Packages' 'Component: main' 2>/dev/null |
    awk '$4 ~ /\/debian\/?$/ { print $4; found = 1; exit } $1 == "Packages" && first == "" { first = $4 }
         END { if (!found && first != "") print first }'
}

private_apt() { # SUITE ARGUMENT...: apt-get, with a state that is ours alone
  local state=$work/$1
  shift
  apt-get -qq -c="$state/conf" "$@" </dev/null
}

open_suite() { # SUITE: write the private configuration and read the suite's package index
  local suite=$1 state=$work/$1 uri keyring signed=
  uri=$(archive_uri)
  [ -n "$uri" ] || { say "this machine's apt knows no Debian archive"; return 1; }
  mkdir -p "$state"/lists/partial "$state"/archives/partial "$state"/empty/partial "$state"/none
  : >"$state/status"
  for keyring in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
    if [ -r "$keyring" ]; then signed=" signed-by=$keyring"; break; fi
  done
  printf 'deb [arch=%s%s] %s %s main\n' "$arch" "$signed" "$uri" "$suite" >"$state/sources"
  # Read after the machine's own configuration: proxies and certificates stay in force. Hooks do
  # not: container images delete downloaded packages in one, and we want to keep ours.
  {
    printf '#clear %s;\n' APT::Update::{Pre,Post}-Invoke APT::Update::Post-Invoke-Success \
      DPkg::{Pre,Post}-Invoke DPkg::Pre-Install-Pkgs
    printf '%s "%s";\n' \
      Dir::Etc::SourceList "$state/sources" Dir::Etc::SourceParts "$state/none" \
      Dir::Etc::Preferences /dev/null Dir::Etc::PreferencesParts "$state/none" \
      Dir::State "$state" Dir::State::lists "$state/lists" Dir::State::status "$state/status" \
      Dir::Cache "$state" Dir::Cache::archives "$state/archives" Dir::Log "$state" \
      Dir::Cache::pkgcache '' Dir::Cache::srcpkgcache '' \
      APT::Architecture "$arch" APT::Install-Recommends false APT::Install-Suggests false \
      APT::Sandbox::User '' Acquire::Languages none Acquire::Retries 3 \
      APT::Keep-Downloaded-Packages true
    printf 'APT::Architectures { "%s"; };\n' "$arch"
  } >"$state/conf"
  retry 2 private_apt "$suite" update >&2
}

unpack() { # SUITE PACKAGE FOLDER: the package and everything it depends on
  local suite=$1 package=$2 folder=$3 state=$work/$1 file
  # The names are asked for against an empty archive folder: apt does not list what it has.
  private_apt "$suite" -o Dir::Cache::archives="$state/empty" install --print-uris "$package" >"$state/uris" || return 1
  retry 2 private_apt "$suite" install --yes --download-only "$package" >&2 || return 1
  mkdir -p "$folder"
  while read -r _ file _; do
    dpkg-deb -x "$state/archives/$file" "$folder" || return 1
  done <"$state/uris"
}

loader_in() { # FOLDER: the dynamic loader, relative to it
  (cd "$1" && ls -d usr/lib/*-linux-gnu*/ld-linux*.so.* 2>/dev/null) | head -n 1
}

# FOLDER LOADER-FOLDER PROGRAM TOOLS HOME: points the program below FOLDER, which will be HOME, at the C library it came with. TOOLS
# is a folder with patchelf, of the same release.
point_at_library() {
  local new=$1 libs=$2 file=$3 tools=$4 home=$5 loader
  loader=$(loader_in "$new")
  "$tools/$loader" --library-path "$tools/$libs" "$tools/usr/bin/patchelf" \
    --set-interpreter "$home/$loader" --force-rpath --set-rpath "$home/$libs" "$new/$file"
}
