use std::cell::Cell;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::host::port::Record;

fn sample() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    let mut writer = JournalWriter::create(&path).unwrap();
    writer.append(RecordKind::Started, "", b"").unwrap();
    writer.append(RecordKind::Stdin, "prompt", b"hello").unwrap();
    writer.append(RecordKind::Stdout, "", &[0, 255, b'\n']).unwrap();
    writer.append(RecordKind::Stderr, "", b"oh").unwrap();
    writer.append_end(&JobEnd::Exited { code: 3, stopped: false, leaked: 2 }).unwrap();
    assert_eq!(writer.length(), fs::metadata(&path).unwrap().len());
    (directory, path)
}

fn all(file: &JournalFile) -> Result<Vec<Record>, JournalError> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let more = file.read(records.last().map_or(0, |record| record.offset))?;
        if more.is_empty() {
            return Ok(records);
        }
        records.extend(more);
    }
}

#[test]
fn what_is_written_is_read_back_from_every_offset() {
    let (_directory, path) = sample();
    let file = JournalFile::open(&path).unwrap();
    let records = all(&file).unwrap();
    let kinds: Vec<_> = records.iter().map(|record| record.kind).collect();
    let expected = [RecordKind::Started, RecordKind::Stdin, RecordKind::Stdout, RecordKind::Stderr, RecordKind::Ended];
    assert_eq!(kinds, expected);
    assert_eq!(records[1].key, "prompt");
    assert_eq!(records[2].bytes, [0, 255, b'\n']);
    assert_eq!(records[4].end, Some(JobEnd::Exited { code: 3, stopped: false, leaked: 2 }));
    for (index, record) in records.iter().enumerate() {
        assert_eq!(file.read(record.offset).unwrap(), records[index + 1..], "after record {index}");
    }
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_records_and_no_error() {
    let (_directory, path) = sample();
    let whole = fs::read(&path).unwrap();
    let records = all(&JournalFile::open(&path).unwrap()).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let cut = all(&JournalFile::open(&path).unwrap()).unwrap();
        let expected = records.iter().filter(|record| record.offset <= length as u64).count();
        assert_eq!(cut, records[..expected], "cut at {length}");
    }
}

#[test]
fn every_flipped_byte_is_found_and_named() {
    let (_directory, path) = sample();
    let whole = fs::read(&path).unwrap();
    let records = all(&JournalFile::open(&path).unwrap()).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        fs::write(&path, &bytes).unwrap();
        let begin = records.iter().map(|record| record.offset).filter(|&end| end <= at as u64).max().unwrap_or(0);
        match all(&JournalFile::open(&path).unwrap()) {
            Err(JournalError::Damaged { offset, path: named, .. }) => {
                assert_eq!(offset, begin, "byte {at}");
                assert_eq!(named, path.display().to_string());
            }
            other => panic!("byte {at}: {other:?}"),
        }
    }
}

#[test]
fn a_record_moved_within_the_file_is_damage() {
    let (_directory, path) = sample();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..HEADER_LENGTH], &whole[..]].concat()).unwrap();
    assert!(matches!(
        all(&JournalFile::open(&path).unwrap()),
        Err(JournalError::Damaged { offset, .. }) if offset == HEADER_LENGTH as u64
    ));
}

#[test]
fn a_tail_of_zeros_after_a_power_cut_is_not_there_and_zeros_in_the_middle_are_damage() {
    let (_directory, path) = sample();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], &vec![0; 100_000]].concat()).unwrap();
    assert_eq!(all(&JournalFile::open(&path).unwrap()).unwrap().len(), 5);
    fs::write(&path, [&whole[..HEADER_LENGTH], &[0; 100], &whole[..]].concat()).unwrap();
    assert!(all(&JournalFile::open(&path).unwrap()).is_err());
}

#[test]
fn a_read_is_bounded_and_a_record_larger_than_the_bound_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    let mut writer = JournalWriter::create(&path).unwrap();
    for _ in 0..20 {
        writer.append(RecordKind::Stdout, "", &vec![7; CHUNK]).unwrap();
    }
    let large = vec![9; 3 << 20];
    writer.append(RecordKind::Stdin, "big", &large).unwrap();
    writer.append(RecordKind::Stdout, "", b"after").unwrap();
    let file = JournalFile::open(&path).unwrap();
    let first = file.read(0).unwrap();
    assert!(!first.is_empty() && first.len() * CHUNK <= READ_AT_ONCE, "{}", first.len());
    let records = all(&file).unwrap();
    assert_eq!(records.len(), 22);
    assert_eq!(records[20].bytes, large);
    assert_eq!(records[21].bytes, b"after");
}

/// A disk with room for so many bytes.
struct Disk<'a> {
    content: Vec<u8>,
    room: &'a Cell<usize>,
}

impl Write for Disk<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.room.get());
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room.set(self.room.get() - count);
        self.content.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    let mut undisturbed = JournalWriter::new(Vec::new());
    undisturbed.append(RecordKind::Stdout, "", &[1; 1000]).unwrap();
    let total = usize::try_from(undisturbed.length()).unwrap();
    for size in 0..total {
        let room = Cell::new(size);
        let mut disk = Disk { content: Vec::new(), room: &room };
        {
            let mut writer = JournalWriter::new(&mut disk);
            assert!(writer.append(RecordKind::Stdout, "", &[1; 1000]).is_err());
            assert!(writer.is_blocked());
            assert_eq!((writer.length(), writer.end()), (0, total as u64));
            room.set(usize::MAX);
            writer.flush().unwrap();
            assert!(!writer.is_blocked());
            assert_eq!(writer.length(), total as u64);
        }
        fs::write(&path, &disk.content).unwrap();
        let records = all(&JournalFile::open(&path).unwrap()).unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].bytes, [1; 1000]);
    }
}
