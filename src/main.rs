//! The one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let code = match arguments.split_first() {
        Some((verb, rest)) if verb == "agent-script" => divisi::agent::script_main(rest),
        Some((verb, rest)) if verb == "shim" && !rest.is_empty() => divisi::process::shim_main(rest[0].as_ref()),
        _ => 0,
    };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
