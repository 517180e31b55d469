// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/html.h"

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

void Page::table(std::span<const std::string> head, const std::vector<std::vector<std::string>>& rows) {
  text_ += "<div class=\"wide\"><table>\n<thead><tr>";
  for (const std::string& name : head) text_ += "<th>" + escape(name) + "</th>";
  text_ += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    text_ += "<tr>";
    for (const std::string& value : row) text_ += "<td>" + escape(value) + "</td>";
    text_ += "</tr>\n";
  }
  text_ += "</tbody>\n</table></div>\n";
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
