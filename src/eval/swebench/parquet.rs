//! Rows of a parquet file, as far as datasets of SWE-bench need it: texts, numbers and truth values, alone and in lists; plain or by a
//! dictionary; not compressed, or by snappy. The format: github.com/apache/parquet-format.

mod pages;
mod room;
mod thrift;

use std::borrow::Cow;

use serde_json::{Map, Value};

use self::pages::{packed, plain, unsnap, unsnapped};
use self::room::Room;
use self::thrift::Thing;

const MAGIC: &[u8] = b"PAR1";
/// Values that a column has at most.
const MOST: usize = 1 << 20;
const DAMAGED: &str = "it is damaged";
/// Bytes that all of a file may take in memory. The largest dataset that is known (21,000 instances) takes half of it.
const ROOM: usize = 1 << 30;
/// What a page says of itself is not longer, bytes.
const HEAD: usize = 1 << 20;

/// A column that has values.
struct Column {
    /// Of the row's object.
    name: String,
    /// The physical type.
    kind: i64,
    /// The definition level of a value that is there.
    there: u32,
    /// Of a list: the definition level of a member.
    member: Option<u32>,
}

/// The rows.
///
/// # Errors
/// When it is no such file, is damaged, would take too much memory, or has something that is not understood: what.
pub(super) fn rows(bytes: &[u8]) -> Result<Vec<Value>, String> {
    rows_within(bytes, ROOM)
}

fn rows_within(bytes: &[u8], room: usize) -> Result<Vec<Value>, String> {
    let room = &mut Room::new(room);
    let inside = bytes.strip_prefix(MAGIC).and_then(|rest| rest.strip_suffix(MAGIC)).ok_or("it is no parquet file")?;
    let (rest, length) = inside.split_last_chunk::<4>().ok_or(DAMAGED)?;
    let begin = rest.len().checked_sub(u32::from_le_bytes(*length) as usize).ok_or(DAMAGED)?;
    room.take_description(rest.len() - begin)?;
    let (about, _) = Thing::read(&rest[begin..]).ok_or(DAMAGED)?;
    let columns = columns(about.list(2))?;
    let mut rows: Vec<Value> = Vec::new();
    for group in about.list(4) {
        let count = group.size(3).filter(|count| *count <= MOST && rows.len() + count <= MOST).ok_or(DAMAGED)?;
        room.take_values(count, "")?;
        let mut objects = vec![Map::new(); count];
        let chunks = group.list(1);
        if chunks.len() != columns.len() {
            return Err(DAMAGED.to_owned());
        }
        for (column, chunk) in columns.iter().zip(chunks) {
            let about = chunk.field(3).ok_or(DAMAGED)?;
            let values = values(bytes, column, about, room).map_err(|why| format!("column {}: {why}", column.name))?;
            if values.len() != count {
                return Err(DAMAGED.to_owned());
            }
            room.take_values(count, &column.name)?;
            for (object, value) in objects.iter_mut().zip(values) {
                object.insert(column.name.clone(), value);
            }
        }
        rows.extend(objects.into_iter().map(Value::Object));
    }
    Ok(rows)
}

/// The columns of a schema: a tree, each member after the one it belongs to.
fn columns(schema: &[Thing<'_>]) -> Result<Vec<Column>, String> {
    let mut columns = Vec::new();
    let mut rest = schema.get(1..).ok_or(DAMAGED)?;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let Some(Thing::Bytes(name)) = first.field(4) else { return Err(DAMAGED.to_owned()) };
        let name = String::from_utf8_lossy(name).into_owned();
        let (mut level, mut member) = (0, None);
        let mut node = first;
        loop {
            match node.number(3) {
                Some(1) => level += 1,
                Some(2) if member.is_some() => return Err(format!("column {name} has lists in lists")),
                Some(2) => {
                    level += 1;
                    member = Some(level);
                }
                _ => {}
            }
            match node.number(5).unwrap_or(0) {
                0 => break,
                1 => (node, rest) = rest.split_first().ok_or(DAMAGED)?,
                _ => return Err(format!("column {name} has members of its own")),
            }
        }
        let kind = node.number(1).ok_or(DAMAGED)?;
        columns.push(Column { name, kind, there: level, member });
    }
    Ok(columns)
}

/// A page and what is said of it.
struct Page<'a> {
    about: Thing<'a>,
    bytes: &'a [u8],
}

/// All values of a chunk of a column, a list being one.
fn values(file: &[u8], column: &Column, about: &Thing<'_>, room: &mut Room) -> Result<Vec<Value>, String> {
    let wanted = about.size(5).filter(|wanted| *wanted <= MOST).ok_or(DAMAGED)?;
    let codec = about.number(4).unwrap_or(0);
    let first = about.size(11).filter(|at| *at > 0).or(about.size(9)).ok_or(DAMAGED)?;
    let mut rest = file.get(first..).ok_or(DAMAGED)?;
    let (mut dictionary, mut values, mut seen) = (Vec::new(), Vec::new(), 0);
    while seen < wanted {
        let head = &rest[..rest.len().min(HEAD)];
        let (about, left) = Thing::read(head).ok_or(DAMAGED)?;
        let after = &rest[head.len() - left.len()..];
        let length = about.size(3).ok_or(DAMAGED)?;
        let (bytes, after) = after.split_at_checked(length).ok_or(DAMAGED)?;
        rest = after;
        let page = Page { about, bytes };
        match page.about.number(1) {
            Some(2) => {
                let head = page.about.field(7).ok_or(DAMAGED)?;
                let count = head.size(1).filter(|count| *count <= MOST).ok_or(DAMAGED)?;
                let unpacked = unpacked(bytes, codec, room)?;
                room.take(unpacked.len())?;
                room.take_values(count, "")?;
                dictionary = plain(&unpacked, column.kind, count).ok_or_else(|| unknown(column))?;
            }
            Some(0 | 3) => seen += data(&page, codec, column, &dictionary, (&mut values, room))?,
            _ => {}
        }
    }
    Ok(values)
}

fn unknown(column: &Column) -> String {
    format!("its values are damaged, or of a type that is not understood ({})", column.kind)
}

fn unpacked<'a>(bytes: &'a [u8], codec: i64, room: &mut Room) -> Result<Cow<'a, [u8]>, String> {
    match codec {
        0 => Ok(bytes.into()),
        1 => {
            room.take(unsnapped(bytes).ok_or(DAMAGED)?)?;
            Ok(unsnap(bytes).ok_or(DAMAGED)?.into())
        }
        other => {
            let names = ["none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4"];
            let name = usize::try_from(other).ok().and_then(|at| names.get(at)).unwrap_or(&"something unknown");
            Err(format!("it is compressed by {name}, and only snappy is understood"))
        }
    }
}

/// Adds the values of a page; how many there are, members of lists counted.
fn data(
    page: &Page<'_>,
    codec: i64,
    column: &Column,
    dictionary: &[Value],
    (into, room): (&mut Vec<Value>, &mut Room),
) -> Result<usize, String> {
    let newer = page.about.field(8);
    let head = newer.or(page.about.field(5)).ok_or(DAMAGED)?;
    let count = head.size(1).filter(|count| *count <= MOST).ok_or(DAMAGED)?;
    let encoding = head.number(if newer.is_some() { 4 } else { 2 }).ok_or(DAMAGED)?;
    // Levels and values, in lists or not.
    room.take_values(count, "")?;
    let bits = |most: u32| u32::BITS - most.leading_zeros();
    let most_repeated = u32::from(column.member.is_some());
    let whole;
    let (repeated, defined, values): (&[u8], &[u8], Cow<'_, [u8]>) = if newer.is_some() {
        let (repeated, rest) = page.bytes.split_at_checked(head.size(6).ok_or(DAMAGED)?).ok_or(DAMAGED)?;
        let (defined, rest) = rest.split_at_checked(head.size(5).ok_or(DAMAGED)?).ok_or(DAMAGED)?;
        let codec = if head.field(7) == Some(&Thing::Bool(false)) { 0 } else { codec };
        (repeated, defined, unpacked(rest, codec, room)?)
    } else {
        whole = unpacked(page.bytes, codec, room)?;
        let mut rest: &[u8] = &whole;
        let mut levels = |most: u32| -> Option<&[u8]> {
            if most == 0 {
                return Some(&[]);
            }
            let (length, after) = rest.split_first_chunk::<4>()?;
            let (levels, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some(levels)
        };
        let repeated = levels(most_repeated).ok_or(DAMAGED)?;
        let defined = levels(column.there).ok_or(DAMAGED)?;
        (repeated, defined, rest.into())
    };
    let levels = |bytes: &[u8], most: u32| match most {
        0 => Some(vec![0; count]),
        most => packed(bytes, bits(most), count),
    };
    let repeated = levels(repeated, most_repeated).ok_or(DAMAGED)?;
    let defined = levels(defined, column.there).ok_or(DAMAGED)?;
    let present = defined.iter().filter(|level| **level == column.there).count();
    let values: Vec<Value> = match encoding {
        0 => {
            room.take(values.len())?;
            plain(&values, column.kind, present).ok_or_else(|| unknown(column))?
        }
        2 | 8 if present == 0 => Vec::new(),
        2 | 8 => {
            let (bits, indices) = values.split_first().ok_or(DAMAGED)?;
            let indices = packed(indices, u32::from(*bits), present).ok_or(DAMAGED)?;
            let value = |index: u32| room.copy(dictionary.get(index as usize).ok_or(DAMAGED)?);
            indices.into_iter().map(value).collect::<Result<_, String>>()?
        }
        other => return Err(format!("its encoding {other} is not understood")),
    };
    place(column, &repeated, &defined, values, into).ok_or(DAMAGED)?;
    Ok(count)
}

/// Puts values into their rows: what is not there is null, members go into their lists.
fn place(column: &Column, repeated: &[u32], defined: &[u32], values: Vec<Value>, into: &mut Vec<Value>) -> Option<()> {
    let mut values = values.into_iter();
    for (repeated, defined) in repeated.iter().zip(defined) {
        let value = if *defined == column.there { values.next()? } else { Value::Null };
        match column.member {
            None => into.push(value),
            Some(member) if *defined < member => {
                into.push(if *defined + 1 == member { Value::Array(Vec::new()) } else { Value::Null });
            }
            Some(_) if *repeated == 0 => into.push(Value::Array(vec![value])),
            Some(_) => into.last_mut()?.as_array_mut()?.push(value),
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;
