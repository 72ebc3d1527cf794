//! The one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((verb, rest)) if verb == "agent-script" => {
            ExitCode::from(u8::try_from(divisi::agent::script_main(rest)).unwrap_or(1))
        }
        _ => ExitCode::SUCCESS,
    }
}
