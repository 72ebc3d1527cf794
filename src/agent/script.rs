//! x
/// x
pub fn script_main(_a: &[String]) -> i32 { 0 }
