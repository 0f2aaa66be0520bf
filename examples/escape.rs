//! Text as HTML, escaped as MarkupSafe does it.

/// Escapes text so that a browser shows it and never runs it: `& < > " '`.
///
/// # Flask
/// `markupsafe.escape`, which Jinja applies to `{{ … }}`. Flask leaves an f-string as it is, so
/// that a visitor's `<script>` runs; a program in Rust calls this.
///
/// ```
/// assert_eq!(dewar_examples::escape::escape("<b>'&\""), "&lt;b&gt;&#39;&amp;&#34;");
/// ```
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&#34;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}
