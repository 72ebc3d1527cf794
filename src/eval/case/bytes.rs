//! Files in a kept case: as text where they are text, else as numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => Content::Bytes(bytes.to_vec()).serialize(serializer),
    }
}

pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    Ok(match Content::deserialize(deserializer)? {
        Content::Text(text) => text.into_bytes(),
        Content::Bytes(bytes) => bytes,
    })
}
