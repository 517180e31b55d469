// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/shell_words.h"

#include <array>

namespace hotpatch::buildenv {
namespace {

class Splitter {
 public:
  explicit Splitter(std::string_view line) : line_(line) {}

  Result<std::vector<ShellCommand>> run() {
    while (at_ < line_.size()) {
      const char next = line_[at_];
      if (next == ' ' || next == '\t' || next == '\n') {
        end_word();
        if (next == '\n') end_command("\n");
        ++at_;
      } else if (next == '\'') {
        HP_TRY(single_quoted());
      } else if (next == '"') {
        HP_TRY(double_quoted());
      } else if (next == '\\') {
        escaped();
      } else if (next == '<' || next == '>') {
        redirection();
      } else if (is_operator(next)) {
        operator_token();
      } else if (next == '#' && !in_word_) {
        at_ = std::min(line_.find('\n', at_), line_.size());
      } else {
        plain(next);
      }
    }
    end_word();
    end_command({});
    return std::move(commands_);
  }

 private:
  static bool is_operator(char character) { return std::string_view(";&|()").find(character) != std::string_view::npos; }

  Result<> single_quoted() {
    const std::size_t close = line_.find('\'', at_ + 1);
    if (close == std::string_view::npos) return fail(Errc::kMalformed, "a single quote is not closed");
    add(line_.substr(at_ + 1, close - at_ - 1));
    at_ = close + 1;
    return {};
  }

  Result<> double_quoted() {
    in_word_ = true;
    for (++at_; at_ < line_.size(); ++at_) {
      const char next = line_[at_];
      if (next == '"') {
        ++at_;
        return {};
      }
      if (next == '\\' && at_ + 1 < line_.size() && std::string_view("$`\"\\\n").find(line_[at_ + 1]) != std::string_view::npos) {
        ++at_;
        if (line_[at_] != '\n') word_ += line_[at_];
        continue;
      }
      if (next == '$' || next == '`') command_.expands = true;
      word_ += next;
    }
    return fail(Errc::kMalformed, "a double quote is not closed");
  }

  void escaped() {
    if (at_ + 1 < line_.size() && line_[at_ + 1] != '\n') add(line_.substr(at_ + 1, 1));
    at_ += 2;
  }

  /// "<", ">", ">>", "2>&1" and the like, with the word that names the file.
  void redirection() {
    const bool numbered = in_word_ && word_.find_first_not_of("0123456789") == std::string::npos;
    if (numbered) {
      word_.clear();
      in_word_ = false;
    }
    end_word();
    command_.redirects = true;
    skip_word_ = true;
    while (at_ < line_.size() && std::string_view("<>&|").find(line_[at_]) != std::string_view::npos) ++at_;
  }

  void operator_token() {
    end_word();
    constexpr std::array<std::string_view, 3> kDouble = {"&&", "||", ";;"};
    std::string_view token = line_.substr(at_, 1);
    for (const std::string_view candidate : kDouble) {
      if (line_.substr(at_, 2) == candidate) token = candidate;
    }
    end_command(token);
    at_ += token.size();
  }

  void plain(char character) {
    if (character == '$' || character == '`' || character == '*' || character == '?' || character == '[' ||
        (character == '~' && !in_word_)) {
      command_.expands = true;
    }
    add(line_.substr(at_, 1));
    ++at_;
  }

  void add(std::string_view text) {
    in_word_ = true;
    word_ += text;
  }

  void end_word() {
    if (!in_word_) return;
    if (!skip_word_) command_.words.push_back(word_);
    skip_word_ = false;
    in_word_ = false;
    word_.clear();
  }

  void end_command(std::string_view token) {
    if (command_.words.empty() && !command_.redirects && (token.empty() || token == "\n")) return;
    command_.end = token == "\n" ? ";" : token;
    commands_.push_back(std::move(command_));
    command_ = {};
  }

  std::string_view line_;
  std::size_t at_ = 0;
  std::string word_;
  bool in_word_ = false;
  bool skip_word_ = false;  // the next word names the file of a redirection
  ShellCommand command_;
  std::vector<ShellCommand> commands_;
};

}  // namespace

Result<std::vector<ShellCommand>> split_shell(std::string_view line) { return Splitter(line).run(); }

std::string unescape_make(std::string_view value) {
  constexpr std::string_view kPound = "$(pound)";
  std::string text;
  text.reserve(value.size());
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value.substr(at, 2) == "$$") {
      text += '$';
      ++at;
    } else if (value.substr(at, kPound.size()) == kPound) {
      text += '#';
      at += kPound.size() - 1;
    } else {
      text += value[at];
    }
  }
  return text;
}

}  // namespace hotpatch::buildenv
