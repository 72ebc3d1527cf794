---What this commit of the plugin belongs to. A release fills in the checksums, so what is downloaded is what this commit names.
---@class divisi.Version
---@field version string
---@field plugin integer the number of the protocol between the Lua side and `divisi nvim`
---@field release string where releases are; `<release>/<version>/divisi-<version>-<target>` is a binary; empty: there is none
---@field sha256 table<string, string?> checksums of the released binaries, by target
return {
  version = "0.1.0",
  plugin = 1,
  release = "",
  sha256 = {},
}
