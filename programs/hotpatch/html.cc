// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/html.h"

#include <algorithm>
#include <cstdint>

#include "common/support/bytes.h"

namespace hotpatch::cli {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --text: #1a1a1a; --dim: #666; --ground: #fff; --line: #ccc; --was: #ffe3e0; --is: #dcf5dc; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e4e4; --dim: #9a9a9a; --ground: #16181b; --line: #3c4045; --was: #4a2320; --is: #1f4023; }
}
@media print { :root { --text: #000; --dim: #444; --ground: #fff; --line: #999; --was: #ffe3e0; --is: #dcf5dc; } h2 { break-after: avoid; }
  * { print-color-adjust: exact; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--ground); margin: 1.5rem auto; max-width: 110rem;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } p { margin: .4rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; border-bottom: 1px solid var(--line); }
td, th { padding: .15rem .6rem .15rem 0; vertical-align: top; overflow-wrap: anywhere; }
table.code { table-layout: fixed; font: 12px/1.4 ui-monospace, monospace; } table.code td, table.code th { padding: 0 .4rem; }
table.code td { white-space: pre-wrap; } col.at { width: 5.5em; } col.mark { width: 1.6em; }
.at, .mark, .source, .operand { color: var(--dim); } .source { float: right; margin-left: 1em; }
td.was { background: var(--was); } td.is { background: var(--is); }
.banner { border: 1px solid var(--line); border-left: .5rem solid var(--dim); padding: .6rem 1rem; margin: 1rem 0; }
.banner strong { font-size: 1.2rem; } .good { border-left-color: #2e8b40; } .mind { border-left-color: #c98a00; }
.bad { border-left-color: #c0392b; }
td.error { color: #c0392b; font-weight: bold; } td.warning { color: #a86f00; font-weight: bold; } td.note { color: var(--dim); }
svg { display: block; max-width: 62rem; height: auto; margin: .4rem 0 1rem; }
svg text { font: 12px ui-monospace, monospace; fill: var(--text); }
svg rect { fill: var(--is); stroke: var(--line); } svg path { fill: none; stroke: var(--dim); }
svg .gone { text-decoration: line-through; fill: var(--dim); }
svg .new { font-weight: bold; } svg .hint { fill: var(--dim); }
)";

/// How many bytes the UTF-8 character at `at` has; 0: it is none (RFC 3629, section 4).
std::size_t character_size(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0}; };
  const std::uint8_t first = byte(at);
  const std::size_t size = first < 0x80                    ? 1
                           : first >= 0xc2 && first < 0xe0 ? 2
                           : (first & 0xf0) == 0xe0        ? 3
                           : first >= 0xf0 && first < 0xf5 ? 4
                                                           : 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  const std::uint8_t second = byte(at + 1);
  const bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool is_beyond = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
  return is_overlong || is_beyond ? 0 : size;
}

std::string cell(const std::vector<ListingLine>& lines, std::optional<std::size_t> index, bool differs, std::string_view style) {
  const std::string classes = differs ? " class=\"" + std::string(style) + "\"" : std::string();
  if (!index) return "<td></td><td></td>";
  const ListingLine& line = lines[*index];
  std::string text = "<td class=\"at\" title=\"" + escape(line.bytes) + "\">+" + hex(line.offset) + "</td><td" + classes + ">";
  if (!line.source.empty()) text += "<span class=\"source\">" + escape(line.source) + "</span>";
  text += escape(line.text);
  if (!line.operand.empty()) text += "  <span class=\"operand\"># " + escape(line.operand) + "</span>";
  return text + "</td>";
}

constexpr std::size_t kMostNodes = 24;    // of one side of a drawing; the rest is text
constexpr std::size_t kLongestNode = 42;  // characters of a name in a drawing
constexpr std::size_t kRowHeight = 20;    // all of these in units of the drawing
constexpr std::size_t kWidth = 1000;
constexpr std::size_t kBoxLeft = 350;
constexpr std::size_t kBoxWidth = 300;

struct Node {
  std::string name;
  const char* style = "";  // "new", "gone", "hint"
  std::string remark;      // shown with the pointer on it
};

std::string text_at(std::size_t x, std::size_t y, const char* anchor, const Node& node) {
  const std::string shown = node.name.size() <= kLongestNode ? node.name : node.name.substr(0, kLongestNode - 1) + "\u2026";
  return "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" text-anchor=\"" + anchor + "\" class=\"" +
         node.style + "\"><title>" + escape(node.name + (node.remark.empty() ? "" : ": " + node.remark)) + "</title>" +
         escape(shown) + "</text>\n";
}

std::string edge(std::size_t from_x, std::size_t from_y, std::size_t to_x, std::size_t to_y) {
  const std::string middle = std::to_string((from_x + to_x) / 2);
  return "<path d=\"M" + std::to_string(from_x) + " " + std::to_string(from_y) + " C" + middle + " " + std::to_string(from_y) +
         " " + middle + " " + std::to_string(to_y) + " " + std::to_string(to_x) + " " + std::to_string(to_y) + "\"></path>\n";
}

/// The first ones; what is left out is counted by a last one.
std::vector<Node> first_of(std::vector<Node> nodes) {
  if (nodes.size() <= kMostNodes) return nodes;
  const std::size_t left = nodes.size() - (kMostNodes - 1);
  nodes.resize(kMostNodes - 1);
  nodes.push_back({.name = "and " + std::to_string(left) + " more", .style = "hint", .remark = "see below"});
  return nodes;
}

std::vector<Node> left_side(const Calls& calls) {
  std::vector<Node> nodes;
  for (const std::string& name : calls.callers) nodes.push_back({.name = name, .style = "", .remark = "calls it"});
  for (const std::string& name : calls.holders)
    nodes.push_back({.name = "[" + name + "]", .style = "hint", .remark = "holds its address"});
  if (nodes.empty())
    nodes.push_back({.name = "no direct caller",
                     .style = "hint",
                     .remark = calls.seen_in.empty() ? "in this object" : "in " + calls.seen_in});
  return nodes;
}

std::vector<Node> right_side(const Calls& calls) {
  std::vector<Node> nodes;
  for (const Callee& callee : calls.callees) {
    const bool is_new = callee.change == CallChange::kNew;
    const bool is_gone = callee.change == CallChange::kGone;
    nodes.push_back({.name = callee.name,
                     .style = is_new    ? "new"
                              : is_gone ? "gone"
                                        : "",
                     .remark = is_new    ? "called by the patched code alone"
                               : is_gone ? "called by the original code alone"
                                         : "called by both"});
  }
  if (calls.indirect != 0)
    nodes.push_back({.name = std::to_string(calls.indirect) + (calls.indirect == 1 ? " indirect call" : " indirect calls"),
                     .style = "hint",
                     .remark = "through a register or memory"});
  if (nodes.empty()) nodes.push_back({.name = "calls nothing", .style = "hint", .remark = {}});
  return nodes;
}

std::string names_of(const std::vector<Node>& nodes) {
  std::string text;
  for (const Node& node : nodes) text += (text.empty() ? "" : ", ") + node.name;
  return text;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string product;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text, at);
    const char c = text[at];
    if (size > 1) {
      product += text.substr(at, size);
    } else if (size == 0 || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      product += "\xef\xbf\xbd";
    } else if (c == '&') {
      product += "&amp;";
    } else if (c == '<') {
      product += "&lt;";
    } else if (c == '>') {
      product += "&gt;";
    } else if (c == '"') {
      product += "&quot;";
    } else if (c == '\'') {
      product += "&#39;";
    } else {
      product += c;
    }
    at += size == 0 ? 1 : size;
  }
  return product;
}

Page::Page(std::string_view title) {
  text_ =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
      escape(title) + "</title>\n<style>" + std::string(kStyle) + "</style>\n</head>\n<body>\n<h1>" + escape(title) + "</h1>\n";
}

void Page::heading(std::string_view text) { text_ += "<h2>" + escape(text) + "</h2>\n"; }

void Page::paragraph(std::string_view text) { text_ += "<p>" + escape(text) + "</p>\n"; }

void Page::table(std::span<const std::string> head, const std::vector<std::vector<std::string>>& rows, bool marks_first) {
  text_ += "<div class=\"wide\"><table>\n<thead><tr>";
  for (const std::string& name : head) text_ += "<th>" + escape(name) + "</th>";
  text_ += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    text_ += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      text_ += (i == 0 && marks_first ? "<td class=\"" + escape(row[i]) + "\">" : "<td>") + escape(row[i]) + "</td>";
    text_ += "</tr>\n";
  }
  text_ += "</tbody>\n</table></div>\n";
}

void Page::banner(std::string_view mood, std::string_view headline, const std::vector<std::string>& lines) {
  text_ += "<div class=\"banner " + escape(mood) + "\">\n<p><strong>" + escape(headline) + "</strong></p>\n";
  for (const std::string& line : lines) paragraph(line);
  text_ += "</div>\n";
}

void Page::graph(const Calls& calls) {
  const std::vector<Node> all_left = left_side(calls);
  const std::vector<Node> all_right = right_side(calls);
  const std::vector<Node> left = first_of(all_left);
  const std::vector<Node> right = first_of(all_right);
  const std::size_t rows = std::max(left.size(), right.size());
  const std::size_t height = (rows + 1) * kRowHeight;
  const std::size_t middle = height / 2;
  const auto row_at = [&](std::size_t index, std::size_t count) {
    return middle + index * kRowHeight + kRowHeight / 2 - count * kRowHeight / 2;
  };
  const std::string where = calls.seen_in.empty() ? "the object alone" : calls.seen_in;
  text_ +=
      "<h3>" + escape(calls.function) + "</h3>\n<p class=\"hint\">" + escape(calls.unit + "; callers in " + where) + "</p>\n";
  text_ += "<svg viewBox=\"0 0 " + std::to_string(kWidth) + " " + std::to_string(height) + "\" role=\"img\">\n<title>" +
           escape("calls of " + calls.function) + "</title>\n";
  constexpr std::size_t kGap = 8;
  constexpr std::size_t kBaseline = 4;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const std::size_t y = row_at(i, left.size());
    text_ += edge(kBoxLeft - 50, y, kBoxLeft, middle) + text_at(kBoxLeft - 50 - kGap, y + kBaseline, "end", left[i]);
  }
  for (std::size_t i = 0; i < right.size(); ++i) {
    const std::size_t y = row_at(i, right.size());
    text_ += edge(kBoxLeft + kBoxWidth, middle, kBoxLeft + kBoxWidth + 50, y) +
             text_at(kBoxLeft + kBoxWidth + 50 + kGap, y + kBaseline, "start", right[i]);
  }
  text_ += "<rect x=\"" + std::to_string(kBoxLeft) + "\" y=\"" + std::to_string(middle - kRowHeight / 2 - 3) + "\" width=\"" +
           std::to_string(kBoxWidth) + "\" height=\"" + std::to_string(kRowHeight + 6) + "\" rx=\"4\"></rect>\n";
  text_ +=
      text_at(kBoxLeft + kBoxWidth / 2, middle + kBaseline, "middle", {.name = calls.function, .style = "", .remark = "patched"});
  text_ += "</svg>\n";
  if (all_left.size() > left.size()) paragraph("Callers: " + names_of(all_left) + ".");
  if (all_right.size() > right.size()) paragraph("Calls: " + names_of(all_right) + ".");
}

void Page::listing(const SideBySide& listing) {
  const bool has_original = !listing.original_title.empty();
  text_ += "<section>\n<h2>" + escape(listing.name) + "</h2>\n<p>" + escape(listing.verdict + ": " + listing.reason) + "</p>\n";
  text_ += "<div class=\"wide\"><table class=\"code\">\n<colgroup>";
  if (has_original) text_ += "<col class=\"at\"><col><col class=\"mark\">";
  text_ += "<col class=\"at\"><col></colgroup>\n<thead><tr>";
  if (has_original) text_ += "<th colspan=\"2\">original: " + escape(listing.original_title) + "</th><th></th>";
  text_ += "<th colspan=\"2\">patched: " + escape(listing.patched_title) + "</th></tr></thead>\n<tbody>\n";
  for (const ListingRow& row : listing.rows) {
    // In words as well as in colour: a mark tells what differs on any paper and to any eye.
    const char* mark = !row.differs ? "" : !row.original ? "+" : !row.patched ? "-" : "|";
    text_ += "<tr>";
    if (has_original) text_ += cell(listing.original, row.original, row.differs, "was") + "<td class=\"mark\">" + mark + "</td>";
    text_ += cell(listing.patched, row.patched, row.differs && has_original, "is") + "</tr>\n";
  }
  text_ += "</tbody>\n</table></div>\n</section>\n";
}

std::string Page::finish() && { return std::move(text_) + "</body>\n</html>\n"; }

}  // namespace hotpatch::cli
