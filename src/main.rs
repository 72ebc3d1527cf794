//! The one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if let (Some(verb), Some(job_dir)) = (arguments.next(), arguments.next())
        && verb == "shim"
    {
        let code = divisi::process::shim_main(job_dir.as_ref());
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    ExitCode::SUCCESS
}
