//! A picture of lines over sizes, both axes logarithmic: what is flat costs the same at any size.

use std::fmt::Write;

use crate::report::Series;

/// Its name, and its points.
pub type Line<'a> = (String, &'a Series);

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 590.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 330.0;

/// Told apart by those who see colours otherwise, too (Okabe and Ito).
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"];

/// One panel below the other.
pub fn svg(panels: &[(&str, Vec<Line<'_>>)]) -> String {
    let height = HEIGHT * panels.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" \
         fill=\"white\"/>\n"
    );
    for (number, (title, lines)) in panels.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate(0 {})\">", HEIGHT * number as f64);
        panel(&mut svg, title, lines);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, title: &str, lines: &[Line<'_>]) {
    let points = || lines.iter().flat_map(|(_, series)| series.iter());
    let x_axis = Axis::over(points().map(|(size, _)| *size as f64), LEFT, RIGHT);
    let y_axis = Axis::over(points().map(|(_, value)| *value), BOTTOM, TOP);
    let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{title}</text>");
    for power in x_axis.powers() {
        let x = x_axis.at(10_f64.powi(power));
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\" stroke=\"#ddd\"/>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">10{}</text>",
            BOTTOM + 18.0,
            superscript(power)
        );
    }
    for power in y_axis.powers() {
        let y = y_axis.at(10_f64.powi(power));
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            10_f64.powi(power)
        );
    }
    for (number, (name, series)) in lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let mut path = String::new();
        for (size, value) in *series {
            let (x, y) = (x_axis.at(*size as f64), y_axis.at(*value));
            let _ = write!(path, "{x:.1},{y:.1} ");
            let _ =
                writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let y = TOP + 20.0 * number as f64 + 10.0;
        let _ = writeln!(
            svg,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <rect x=\"{}\" y=\"{}\" width=\"14\" height=\"4\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"{y}\">{name}</text>",
            RIGHT + 16.0,
            y - 6.0,
            RIGHT + 36.0
        );
    }
}

/// Whole powers of ten, spread from one end to the other.
struct Axis {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
        let high = values.fold(0.0, f64::max).log10().ceil();
        // The cast bounds what is no number.
        let low = low as i32;
        Self { low, high: (high as i32).max(low + 1), from, to }
    }

    fn powers(&self) -> std::ops::RangeInclusive<i32> {
        self.low..=self.high
    }

    fn at(&self, value: f64) -> f64 {
        let span = f64::from(self.high - self.low);
        self.from + (value.log10() - f64::from(self.low)) / span * (self.to - self.from)
    }
}

fn superscript(power: i32) -> String {
    let digits = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    power.to_string().chars().filter_map(|digit| digits.get(digit.to_digit(10)? as usize)).collect()
}
