//! Values in Thrift's compact protocol, in which parquet files describe themselves.

/// How deep values may lie in each other.
const DEEPEST: u32 = 24;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Thing<'a> {
    /// A truth value.
    Bool(bool),
    /// A whole number of any size.
    Number(i64),
    /// Text or bytes.
    Bytes(&'a [u8]),
    /// A list, or a set.
    List(Vec<Thing<'a>>),
    /// A structure: its fields by their numbers.
    Fields(Vec<(i64, Thing<'a>)>),
    /// What nobody here asks for.
    Other,
}

impl<'a> Thing<'a> {
    /// A structure at the beginning of the bytes, and what follows it; nothing when there is none.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut rest = bytes;
        let fields = fields(&mut rest, 0)?;
        Some((fields, rest))
    }

    /// A field of a structure.
    pub(super) fn field(&self, number: i64) -> Option<&Thing<'a>> {
        match self {
            Self::Fields(fields) => fields.iter().find(|(known, _)| *known == number).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A field that is a number.
    pub(super) fn number(&self, field: i64) -> Option<i64> {
        match self.field(field)? {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A field that is a length or a count.
    pub(super) fn size(&self, field: i64) -> Option<usize> {
        usize::try_from(self.number(field)?).ok()
    }

    /// The members of a field that is a list.
    pub(super) fn list(&self, field: i64) -> &[Thing<'a>] {
        match self.field(field) {
            Some(Self::List(list)) => list,
            _ => &[],
        }
    }
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}

/// A number of seven bits a byte.
pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let next = byte(rest)?;
        number |= u64::from(next & 0x7f) << shift;
        if next & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn zigzag(rest: &mut &[u8]) -> Option<i64> {
    let number = varint(rest)?;
    Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
}

fn fields<'a>(rest: &mut &'a [u8], depth: u32) -> Option<Thing<'a>> {
    let mut fields = Vec::new();
    let mut number = 0_i64;
    loop {
        let head = byte(rest)?;
        let kind = head & 0x0f;
        if kind == 0 {
            return Some(Thing::Fields(fields));
        }
        number = match i64::from(head >> 4) {
            0 => zigzag(rest)?,
            delta => number.checked_add(delta)?,
        };
        let value = match kind {
            1 => Thing::Bool(true),
            2 => Thing::Bool(false),
            kind => value(rest, kind, depth)?,
        };
        fields.push((number, value));
    }
}

fn value<'a>(rest: &mut &'a [u8], kind: u8, depth: u32) -> Option<Thing<'a>> {
    if depth == DEEPEST {
        return None;
    }
    match kind {
        // In lists a truth value is a byte.
        1 | 2 => Some(Thing::Bool(byte(rest)? == 1)),
        3 => Some(Thing::Number(i64::from(byte(rest)?.cast_signed()))),
        4..=6 => zigzag(rest).map(Thing::Number),
        7 => {
            *rest = rest.get(8..)?;
            Some(Thing::Other)
        }
        8 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (bytes, after) = rest.split_at_checked(length)?;
            *rest = after;
            Some(Thing::Bytes(bytes))
        }
        9 | 10 => {
            let head = byte(rest)?;
            let count = match head >> 4 {
                15 => usize::try_from(varint(rest)?).ok()?,
                few => usize::from(few),
            };
            let list = (0..count).map(|_| value(rest, head & 0x0f, depth + 1));
            list.collect::<Option<Vec<_>>>().map(Thing::List)
        }
        11 => {
            let count = varint(rest)?;
            let kinds = if count > 0 { byte(rest)? } else { 0 };
            for _ in 0..count {
                value(rest, kinds >> 4, depth + 1)?;
                value(rest, kinds & 0x0f, depth + 1)?;
            }
            Some(Thing::Other)
        }
        12 => fields(rest, depth + 1),
        _ => None,
    }
}
