-- Transcripts are markdown. While an agent talks syntax/divisi-transcript.lua paints them; the parser does when it rests
-- (lua/divisi/ui/transcript.lua): what programs print is one paragraph of thousands of lines, read anew at every change.
vim.b.did_ftplugin = true
