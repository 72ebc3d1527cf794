//! One page with everything in it: readable without JavaScript, sortable with it, nothing loaded from anywhere.

const STYLE: &str = "
:root{color-scheme:light dark;--fg:#1d2126;--dim:#667;--bg:#fff;--soft:#f2f4f7;--line:#d6dae1;--good:#2e8b57;--bad:#c0392b;--acc:#3567c4}
@media(prefers-color-scheme:dark){:root{--fg:#e4e7ec;--dim:#9aa3b2;--bg:#15181d;--soft:#1e232b;--line:#333b47;--good:#4fb37c;--bad:#e06a5c;--acc:#7aa2f7}}
body{font:14px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);margin:0 auto;max-width:1280px;padding:24px}
h1{margin:0 0 4px;font-size:24px}h2{margin:32px 0 8px;font-size:17px}.dim{color:var(--dim)}
.tiles{display:flex;flex-wrap:wrap;gap:12px;margin:16px 0}.tile{background:var(--soft);border-radius:8px;padding:10px 16px}
.tile b{display:block;font-size:22px}.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,540px),1fr));align-items:start;gap:20px;margin:16px 0}
figure{margin:0;padding:12px;background:var(--soft);border-radius:8px;max-width:100%;overflow-x:auto;box-sizing:border-box}
figcaption{font-weight:600;margin-bottom:8px}svg{max-width:100%;height:auto}
svg text{font:12px system-ui,sans-serif;fill:var(--fg)}svg .s{fill:var(--dim)}svg .e{text-anchor:end;fill:var(--dim)}svg .c{text-anchor:middle;fill:#fff}
svg .bg{fill:var(--line)}svg .good{fill:var(--good)}svg .dot{fill:var(--acc)}svg .axis{stroke:var(--dim);fill:none}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:4px 10px;border-bottom:1px solid var(--line);vertical-align:top}
th{position:sticky;top:0;background:var(--bg)}th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:2px solid var(--acc)}
th[aria-sort=ascending] button::after{content:' ▲'}th[aria-sort=descending] button::after{content:' ▼'}
th.n,.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.passed{color:var(--good)}.failed{color:var(--bad)}
details{margin:4px 0}summary{cursor:pointer}pre{background:var(--soft);padding:10px;border-radius:6px;overflow-x:auto;font-size:12px;max-height:420px}
ins{text-decoration:none;color:var(--good)}del{text-decoration:none;color:var(--bad)}
";

const SCRIPT: &str = "
document.querySelectorAll('table.sortable').forEach(function(t){
var heads=[].slice.call(t.tHead.rows[0].cells);
heads.forEach(function(h,i){var b=document.createElement('button');b.textContent=h.textContent;h.textContent='';h.appendChild(b);
b.addEventListener('click',function(){
var down=h.getAttribute('aria-sort')==='ascending';
heads.forEach(function(o){o.removeAttribute('aria-sort')});h.setAttribute('aria-sort',down?'descending':'ascending');
var rows=[].slice.call(t.tBodies[0].rows),k=function(r){var c=r.cells[i];return c.dataset.v!==undefined?+c.dataset.v:c.textContent};
rows.sort(function(a,b){var x=k(a),y=k(b);return (x<y?-1:x>y?1:0)*(down?-1:1)});
rows.forEach(function(r){t.tBodies[0].appendChild(r)})})})});
";

/// The page's beginning, up to its heading. The policy lets nothing in but what stands here: not even what an agent smuggled past the
/// escapes could run or load.
pub fn begin(title: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>\
         <meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    )
}

/// The page's end. Tables of the class `sortable` are sorted by a click on a heading; a cell's `data-v` is its number.
pub fn end() -> String {
    format!("<script>{SCRIPT}</script></body></html>\n")
}

/// Text that is nothing but text, in elements and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
