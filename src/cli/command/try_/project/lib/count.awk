# How words were counted before count.sh.
{ words += NF }
END { print words + 0 }
