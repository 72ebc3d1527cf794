//! Values between Neovim (msgpack) and the daemon (JSON).

use rmpv::Value as Pack;
use serde_json::{Map, Number, Value};

/// From Neovim. Extension types (buffer and window handles) and binary data become null: the plugin never sends them.
pub fn to_json(value: &Pack) -> Value {
    match value {
        Pack::Boolean(flag) => Value::Bool(*flag),
        Pack::Integer(number) => number
            .as_u64()
            .map(Number::from)
            .or_else(|| number.as_i64().map(Number::from))
            .map_or(Value::Null, Value::Number),
        Pack::F32(number) => Number::from_f64(f64::from(*number)).map_or(Value::Null, Value::Number),
        Pack::F64(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Pack::String(text) => Value::String(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        Pack::Array(items) => Value::Array(items.iter().map(to_json).collect()),
        Pack::Map(entries) => Value::Object(
            entries
                .iter()
                .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), to_json(value))))
                .collect::<Map<_, _>>(),
        ),
        Pack::Nil | Pack::Binary(_) | Pack::Ext(..) => Value::Null,
    }
}

/// To Neovim. Null entries of objects are left out, so that Lua sees `nil` and never `vim.NIL`.
pub fn from_json(value: Value) -> Pack {
    match value {
        Value::Null => Pack::Nil,
        Value::Bool(flag) => Pack::Boolean(flag),
        Value::Number(number) => number
            .as_u64()
            .map(Pack::from)
            .or_else(|| number.as_i64().map(Pack::from))
            .unwrap_or_else(|| Pack::F64(number.as_f64().unwrap_or(0.0))),
        Value::String(text) => Pack::from(text),
        Value::Array(items) => Pack::Array(items.into_iter().map(from_json).collect()),
        Value::Object(entries) => Pack::Map(
            entries
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (Pack::from(key), from_json(value)))
                .collect(),
        ),
    }
}
