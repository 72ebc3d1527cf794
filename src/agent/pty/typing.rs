//! A prompt as a person would have typed it.

/// The text as it is typed: as a paste where the program wants to be told, so that its newlines are newlines. Control characters and
/// the end of a paste are left out: a prompt is text and presses no keys.
pub(super) fn pasted(text: &str, takes_pastes: bool) -> Vec<u8> {
    let newline = if takes_pastes { '\n' } else { ' ' };
    let plain: String = text
        .trim_end()
        .replace("\r\n", "\n")
        .chars()
        .map(|c| if c == '\n' { newline } else { c })
        .filter(|c| !c.is_control() || *c == '\n' || *c == '\t')
        .collect();
    if takes_pastes {
        format!("\u{1b}[200~{plain}\u{1b}[201~").into_bytes()
    } else {
        // A tab would ask for completion.
        plain.replace('\t', "    ").into_bytes()
    }
}
