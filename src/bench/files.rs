//! Reading what people point at, with errors that say what is wrong with it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::base::near::near;
use crate::eval::swebench::{Dataset, Format, Instance, Predictions, RowError, Selection};
use crate::model::Refusal;
use crate::model::bench::Chosen;

/// No file of logs, predictions or instances is larger; more is an accident or an attack, and would fill the memory.
const LARGEST: u64 = 1 << 30;

/// Reads a file that is not too large.
pub(super) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if length as u64 > LARGEST {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it has more than 1 GiB"));
    }
    Ok(bytes)
}

fn read_or_refuse(path: &Path, what: &str) -> Result<Vec<u8>, Refusal> {
    read(path).map_err(|error| Refusal::user(format!("failed to read {what} {}: {error}", path.display())))
}

fn format(path: &Path, what: &str) -> Result<Format, Refusal> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Format::of_name(&name).ok_or_else(|| {
        Refusal::user(format!(
            "failed to read {what} {}: its name ends in neither .json, .jsonl nor .parquet",
            path.display()
        ))
        .hint("name it by what is in it: .jsonl has an object on each line, .json one list or object")
    })
}

/// A dataset, and the bytes of its file.
pub(super) fn dataset(path: &Path) -> Result<(Dataset, Vec<u8>), Refusal> {
    let format = format(path, "the dataset")?;
    let bytes = read_or_refuse(path, "the dataset")?;
    let dataset = Dataset::read(&bytes, format).map_err(|error| unread(path, format, &error))?;
    if dataset.instances.is_empty() {
        return Err(Refusal::user(format!("failed to read the dataset {}: it has no instances", path.display())));
    }
    Ok((dataset, bytes))
}

/// Why a dataset is not read; of a parquet file also how it can be made one that is.
pub(super) fn unread(path: &Path, format: Format, error: &RowError) -> Refusal {
    let refusal = Refusal::user(format!("failed to read the dataset {}: {error}", path.display()));
    if format != Format::Parquet {
        return refusal;
    }
    refusal.hint("python3 -c 'import pandas; pandas.read_parquet(\"D.parquet\").to_json(\"D.jsonl\", orient=\"records\", lines=True)'")
}

/// Predictions; `gold` are the dataset's own patches.
pub(super) fn predictions(path: &Path, dataset: &Dataset) -> Result<Predictions, Refusal> {
    if path.as_os_str() == "gold" {
        return Ok(Predictions::gold(dataset));
    }
    let format = format(path, "the predictions")?;
    let bytes = read_or_refuse(path, "the predictions")?;
    let predictions = Predictions::read(&bytes, format)
        .map_err(|error| Refusal::user(format!("failed to read the predictions {}: {error}", path.display())))?;
    if predictions.is_empty() {
        return Err(Refusal::user(format!("failed to read the predictions {}: there are none in it", path.display())));
    }
    let unknown: Vec<_> =
        predictions.iter().map(|prediction| &*prediction.instance_id).filter(|id| dataset.get(id).is_none()).collect();
    if let Some(refusal) = refuse_unknown(dataset, &unknown, "predicted") {
        return Err(refusal);
    }
    Ok(predictions)
}

/// The chosen instances of a dataset.
pub(super) fn choose<'d>(dataset: &'d Dataset, chosen: &Chosen) -> Result<Vec<&'d Instance>, Refusal> {
    let Chosen { ids, repos, languages, seed, size } = chosen.clone();
    let selection = Selection { ids, repos, languages, seed, size };
    let instances = selection.of(dataset).map_err(|unknown| {
        let unknown: Vec<_> = unknown.iter().map(String::as_str).collect();
        refuse_unknown(dataset, &unknown, "chosen").unwrap_or_else(|| Refusal::internal("no instance is unknown"))
    })?;
    if instances.is_empty() {
        return Err(Refusal::user("failed to choose instances: none is like that")
            .hint("divisi bench list --dataset FILE shows what there is"));
    }
    Ok(instances)
}

fn refuse_unknown(dataset: &Dataset, unknown: &[&str], how: &str) -> Option<Refusal> {
    let first = unknown.first()?;
    let more = match unknown.len() {
        1 => String::new(),
        more => format!(" (and {} more)", more - 1),
    };
    let known = dataset.instances.iter().map(|instance| &*instance.instance_id);
    let near = near(first, known);
    let refusal = Refusal::user(format!("failed to find {first}{more}, which is {how}, in the dataset"));
    Some(match near.first() {
        Some(near) => refusal.hint(format!("did you mean {near}?")),
        None => refusal.hint("is it the right dataset? divisi bench list --dataset FILE shows what is in it"),
    })
}
