// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/header_text.h"

#include <algorithm>
#include <cctype>

#include "buildenv/pairs/generated.h"

namespace hotpatch::buildenv {
namespace {

bool begins_word(char byte) { return std::isalpha(static_cast<unsigned char>(byte)) != 0 || byte == '_'; }
bool is_word(char byte) { return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_'; }

std::string_view word_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_word(text[end])) ++end;
  return text.substr(at, end - at);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

/// Where a string or character literal that begins at `at` ends.
std::size_t behind_literal(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && text[end] != text[at]) end += text[end] == '\\' ? 2U : 1U;
  return std::min(end + 1, text.size());
}

class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  HeaderText run() {
    while (at_ < text_.size()) {
      const char byte = text_[at_];
      if (byte == '\n' || byte == ' ') {
        ++at_;
      } else if (byte == '#') {
        take_directive();
      } else {
        take_declaration();
      }
    }
    return std::move(header_);
  }

 private:
  /// Continued lines are joined in token text.
  void take_directive() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view line = trimmed(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end;
    if (line.starts_with("define") || line.starts_with("undef")) {
      const std::string_view rest = trimmed(line.substr(line.starts_with("define") ? 6 : 5));
      const std::string_view name = word_at(rest, 0);
      if (!name.empty()) {
        header_.named[std::string(name)].append(line).append("\n");
        return;
      }
    }
    // Which headers it includes counts; so does every conditional.
    header_.unnamed[""].append(line).append("\n");
  }

  void take_declaration() {
    const std::size_t begin = at_;
    std::size_t name_begin = std::string_view::npos;
    std::size_t last_word = std::string_view::npos;
    bool has_body = false;
    bool is_assigned = false;
    int braces = 0;
    int parentheses = 0;
    while (at_ < text_.size()) {
      const char byte = text_[at_];
      if (byte == '"' || byte == '\'') {
        at_ = behind_literal(text_, at_);
        continue;
      }
      if (byte == '#' && braces + parentheses == 0 && at_ > 0 && text_[at_ - 1] == '\n') break;  // a directive in between
      if (begins_word(byte)) {
        const std::string_view word = word_at(text_, at_);
        if (braces == 0 && parentheses == 0 && !is_assigned && word != "__attribute__") last_word = at_;
        at_ += word.size();
        continue;
      }
      if (byte == '(') {
        if (braces == 0 && parentheses == 0 && name_begin == std::string_view::npos) name_begin = last_word;
        ++parentheses;
      } else if (byte == ')') {
        --parentheses;
      } else if (byte == '=' && braces == 0 && parentheses == 0) {
        is_assigned = true;
      } else if (byte == '{') {
        has_body = has_body || braces == 0;
        ++braces;
      } else if (byte == '}') {
        --braces;
        const bool ends_function = braces == 0 && parentheses == 0 && name_begin != std::string_view::npos && !is_assigned;
        if (ends_function) {
          ++at_;
          break;
        }
      } else if (byte == ';' && braces <= 0 && parentheses <= 0) {
        ++at_;
        break;
      }
      ++at_;
    }
    classify(text_.substr(begin, at_ - begin), name_begin != std::string_view::npos ? name_begin : last_word, has_body,
             name_begin != std::string_view::npos || is_assigned);
  }

  void classify(std::string_view text, std::size_t name_at, bool has_body, bool is_named) {
    const std::string_view first = word_at(text, 0);
    const bool is_type =
        first == "typedef" || ((first == "struct" || first == "union" || first == "enum") && (has_body || !is_named));
    if (is_type && !(is_named && has_body && first != "typedef" && text.find('(') < text.find('{'))) {
      const std::size_t blank = text.find_first_of(" \n");
      const std::string_view tag = blank == std::string_view::npos ? std::string_view() : word_at(text, blank + 1);
      const bool is_forward = !has_body && first != "typedef";
      if (!is_forward) header_.unnamed[std::string(first) + " " + std::string(tag)].append(text).append("\n");
      return;
    }
    if (name_at == std::string_view::npos) {
      if (trimmed(text) != ";") header_.unnamed[""].append(text).append("\n");
      return;
    }
    header_.named[std::string(word_at(text_, name_at))].append(text).append("\n");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  HeaderText header_;
};

void differing(const std::map<std::string, std::string>& original, const std::map<std::string, std::string>& patched,
               bool is_addition_harmless, std::set<std::string>& found) {
  for (const auto& [name, text] : original) {
    const auto other = patched.find(name);
    if (other == patched.end() || other->second != text) found.insert(name);
  }
  for (const auto& [name, text] : patched)
    if (!original.contains(name) && !(is_addition_harmless && !name.empty())) found.insert(name);
}

bool uses_any(std::string_view text, const std::set<std::string>& names) {
  for (const std::string_view word : identifiers_of(text))
    if (names.contains(std::string(word))) return true;
  return false;
}

}  // namespace

HeaderText take_apart(std::string_view text) {
  const std::string tokens = token_text(text);
  return HeaderParser(tokens).run();
}

HeaderChange compare_headers(std::string_view original, std::string_view patched) {
  const HeaderText before = take_apart(original);
  const HeaderText after = take_apart(patched);
  HeaderChange change;
  differing(before.named, after.named, false, change.names);
  differing(before.unnamed, after.unnamed, true, change.unnamed);
  return change;
}

std::set<std::string_view> identifiers_of(std::string_view text) {
  std::set<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    const char byte = text[at];
    if (byte == '"' || byte == '\'') {
      const std::size_t newline = std::min(text.find('\n', at), text.size());
      at = std::min(behind_literal(text, at), newline);
    } else if (text.substr(at).starts_with("/*")) {
      const std::size_t end = text.find("*/", at + 2);
      at = end == std::string_view::npos ? text.size() : end + 2;
    } else if (text.substr(at).starts_with("//")) {
      at = std::min(text.find('\n', at), text.size());
    } else if (begins_word(byte)) {
      const std::string_view word = word_at(text, at);
      words.insert(word);
      at += word.size();
    } else if (std::isdigit(static_cast<unsigned char>(byte)) != 0) {
      at += std::max<std::size_t>(1, word_at(text, at).size());
    } else {
      ++at;
    }
  }
  return words;
}

bool close_over(const HeaderText& header, std::set<std::string>& names, std::set<std::string>& unnamed) {
  bool grew = false;
  for (const auto& [name, text] : header.named)
    if (!names.contains(name) && uses_any(text, names)) grew = names.insert(name).second || grew;
  for (const auto& [name, text] : header.unnamed)
    if (!unnamed.contains(name) && uses_any(text, names)) grew = unnamed.insert(name).second || grew;
  return grew;
}

}  // namespace hotpatch::buildenv
