//! What is in a page of a parquet file: compressed bytes, packed numbers, plain values.

use serde_json::Value;

use super::thrift::varint;

/// A page is not larger than this, bytes.
const LARGEST: usize = 1 << 30;

/// How long what snappy compressed says it is, bytes.
pub(super) fn unsnapped(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    usize::try_from(varint(&mut rest)?).ok().filter(|length| *length <= LARGEST)
}

/// What snappy compressed; nothing when it did not.
pub(super) fn unsnap(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes;
    let length = usize::try_from(varint(&mut rest)?).ok().filter(|length| *length <= LARGEST)?;
    let mut out: Vec<u8> = Vec::with_capacity(length.min(bytes.len().saturating_mul(64)));
    while let Some((&tag, after)) = rest.split_first() {
        rest = after;
        let high = usize::from(tag >> 2);
        let mut number = |count: usize| -> Option<usize> {
            let (bytes, after) = rest.split_at_checked(count)?;
            rest = after;
            Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
        };
        let (size, back) = match tag & 3 {
            0 => {
                let size = if high < 60 { high } else { number(high - 59)? } + 1;
                let (literal, after) = rest.split_at_checked(size)?;
                rest = after;
                out.extend_from_slice(literal);
                continue;
            }
            1 => ((high & 7) + 4, (high >> 3) << 8 | number(1)?),
            2 => (high + 1, number(2)?),
            _ => (high + 1, number(4)?),
        };
        let from = out.len().checked_sub(back).filter(|_| back > 0)?;
        if out.len() + size > length {
            return None;
        }
        // What is copied may reach into what the copy makes.
        for at in from..from + size {
            out.push(out[at]);
        }
    }
    (out.len() == length).then_some(out)
}

/// Numbers of some bits each, in runs and packs; nothing when there are fewer than wanted.
pub(super) fn packed(bytes: &[u8], bits: u32, wanted: usize) -> Option<Vec<u32>> {
    let mut rest = bytes;
    let mut numbers = Vec::with_capacity(wanted.min(bytes.len().saturating_mul(8)));
    if bits > 32 {
        return None;
    }
    while numbers.len() < wanted {
        let head = varint(&mut rest)?;
        let count = usize::try_from(head >> 1).ok()?;
        let left = wanted - numbers.len();
        if head & 1 == 0 {
            let (value, after) = rest.split_at_checked(bits.div_ceil(8) as usize)?;
            rest = after;
            let value = value.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
            numbers.extend(std::iter::repeat_n(value, count.min(left)));
        } else {
            let length = count.checked_mul(bits as usize)?;
            // The last pack of a page may be cut.
            let (pack, after) = rest.split_at(length.min(rest.len()));
            rest = after;
            let mask = (1_u64 << bits) - 1;
            let (mut window, mut filled) = (0_u64, 0);
            let mut pack = pack.iter();
            for _ in 0..count.checked_mul(8)?.min(left) {
                while filled < bits {
                    window |= u64::from(*pack.next()?) << filled;
                    filled += 8;
                }
                numbers.push(u32::try_from(window & mask).ok()?);
                window >>= bits;
                filled -= bits;
            }
        }
    }
    Some(numbers)
}

/// So many values of a physical type as they stand, one after the other.
pub(super) fn plain(bytes: &[u8], kind: i64, count: usize) -> Option<Vec<Value>> {
    let mut rest = bytes;
    (0..count)
        .map(|index| {
            let mut take = |size: usize| {
                let (value, after) = rest.split_at_checked(size)?;
                rest = after;
                Some(value)
            };
            Some(match kind {
                0 => Value::Bool(bytes.get(index / 8)? >> (index % 8) & 1 == 1),
                1 => i32::from_le_bytes(take(4)?.try_into().ok()?).into(),
                2 => i64::from_le_bytes(take(8)?.try_into().ok()?).into(),
                4 => f32::from_le_bytes(take(4)?.try_into().ok()?).into(),
                5 => f64::from_le_bytes(take(8)?.try_into().ok()?).into(),
                6 => {
                    let size = u32::from_le_bytes(take(4)?.try_into().ok()?);
                    String::from_utf8_lossy(take(size as usize)?).into()
                }
                _ => return None,
            })
        })
        .collect()
}
