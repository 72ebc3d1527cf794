//! How the machine is doing, from the kernel's own files.

use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

use crate::model::batch::Machine;

/// Available memory, load, and what is free on the disks of some places; a part that cannot be read counts as none used.
pub(super) fn read<'a>(places: impl Iterator<Item = &'a Path>) -> Machine {
    let idle = Machine::default();
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text));
    let processors = available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").ok().and_then(|text| load(&text, processors));
    Machine {
        memory_percent: memory.unwrap_or(idle.memory_percent),
        load_percent: load.unwrap_or(idle.load_percent),
        disk_mb: places.filter_map(free).min().unwrap_or(idle.disk_mb),
    }
}

/// MiB that a user may still write to the disk of a place, or of the nearest directory above it that is there.
fn free(place: &Path) -> Option<u64> {
    let disk = place.ancestors().find_map(|place| rustix::fs::statvfs(place).ok()).filter(|disk| disk.f_blocks > 0)?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize) >> 20)
}

/// `MemAvailable` in per cent of `MemTotal`.
fn available(meminfo: &str) -> Option<u8> {
    let field = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().trim_end_matches("kB").trim().parse().ok()
    };
    let total = field("MemTotal").filter(|total| *total > 0)?;
    u8::try_from(field("MemAvailable")?.saturating_mul(100) / total).ok()
}

/// The load of the last minute per processor, per cent.
fn load(loadavg: &str, processors: usize) -> Option<u32> {
    let (whole, hundredths) = loadavg.split_whitespace().next()?.split_once('.')?;
    let percent = whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)?;
    Some(percent / u32::try_from(processors.max(1)).ok()?)
}

#[cfg(test)]
mod tests;
