//! `divisi schema`: what divisi's own files may say, for editors and checkers.

use clap::builder::PossibleValuesParser;

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::Style;
use crate::cli::render::table::Table;
use crate::config::schema::DOCUMENTS;
use crate::model::Refusal;

/// Print the JSON Schema of one of divisi's own files, or list them
#[derive(Debug, clap::Args)]
#[command(after_help = "`divisi lsp` checks these files without a schema. For other programs, say taplo:
  divisi schema repository > divisi.schema.json
  taplo check --schema \"file://$PWD/divisi.schema.json\" .divisi.toml")]
pub(crate) struct Args {
    /// Which one; left out: list them
    #[arg(value_parser = PossibleValuesParser::new(DOCUMENTS.iter().map(|document| document.name)))]
    name: Option<String>,
    /// Print the list as JSON (a schema always is)
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    if let Some(name) = &args.name {
        let document = DOCUMENTS.iter().find(|document| document.name == name);
        let document = document.ok_or_else(|| Refusal::user(format!("there is no schema {name}")))?;
        render::json(&(document.schema)());
    } else if args.json {
        let list = DOCUMENTS.iter().map(
            |document| serde_json::json!({ "name": document.name, "place": document.place, "about": document.about }),
        );
        render::json(&list.collect::<Vec<_>>());
    } else {
        let mut table = Table::new(&["NAME", "FILE", "WHAT IT IS"]);
        for document in DOCUMENTS {
            table.row(vec![
                (Style::Bold, document.name.to_owned()),
                (Style::Plain, document.place.to_owned()),
                (Style::Dim, document.about.to_owned()),
            ]);
        }
        table.write(&context.screen);
    }
    Ok(Exit::Done)
}
