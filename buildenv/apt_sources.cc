// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/apt_sources.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>

#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> words_of(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<std::string> words;
  while (true) {
    const std::size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return words;
    const std::size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return result;
}

/// "signed-by" -> "Signed-By"; sources.list(5) abbreviates three names.
std::string field_name(const std::string& option) {
  if (option == "arch") return "Architectures";
  if (option == "lang") return "Languages";
  if (option == "target") return "Targets";
  std::string name = option;
  bool first = true;
  for (char& letter : name) {
    if (first) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    first = letter == '-';
  }
  return name;
}

Result<> read_options(std::string_view text, AptSource& source) {
  for (const std::string& word : words_of(text)) {
    std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) return fail(Errc::kMalformed, "option '" + word + "' has no value");
    const std::string value = word.substr(equals + 1);
    const char last = word[equals - 1];
    const bool adjusts = last == '+' || last == '-';
    std::string name = field_name(lower(word.substr(0, adjusts ? equals - 1 : equals)));
    if (adjusts) name += last == '+' ? "-Add" : "-Remove";
    std::string spaced = value;
    std::replace(spaced.begin(), spaced.end(), ',', ' ');
    source.options.emplace_back(std::move(name), std::move(spaced));
  }
  return {};
}

Result<std::optional<AptSource>> parse_line(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string> words = words_of(line);
  if (words.empty() || words.front() == "deb-src") return std::optional<AptSource>();
  if (words.front() != "deb") return fail(Errc::kMalformed, "'" + words.front() + "' is neither deb nor deb-src");
  std::string_view rest = line.substr(line.find("deb") + 3);
  AptSource source;
  const std::size_t begin = rest.find_first_not_of(" \t");
  if (begin != std::string_view::npos && rest[begin] == '[') {
    const std::size_t close = rest.find(']', begin);
    if (close == std::string_view::npos) return fail(Errc::kMalformed, "the options have no ']'");
    HP_TRY(read_options(rest.substr(begin + 1, close - begin - 1), source));
    rest.remove_prefix(close + 1);
  }
  words = words_of(rest);
  if (!words.empty() && words.front().starts_with("cdrom:")) return std::optional<AptSource>();
  if (words.size() < 2) return fail(Errc::kMalformed, "the URI or the suite is missing");
  source.uris = {words[0]};
  source.suites = {words[1]};
  source.components.assign(words.begin() + 2, words.end());
  return std::optional<AptSource>(std::move(source));
}

/// "Name: value" lines of one stanza with continuation lines joined by newlines.
using Stanza = std::vector<std::pair<std::string, std::string>>;

std::optional<AptSource> source_of(const Stanza& stanza) {
  AptSource source;
  bool has_binaries = false;
  for (const auto& [name, value] : stanza) {
    const std::string key = lower(name);
    const std::vector<std::string> words = words_of(value);
    if (key == "types") {
      has_binaries = std::find(words.begin(), words.end(), "deb") != words.end();
    } else if (key == "uris") {
      source.uris = words;
    } else if (key == "suites") {
      source.suites = words;
    } else if (key == "components") {
      source.components = words;
    } else if (key == "enabled") {
      const std::string choice = words.empty() ? "" : lower(words.front());
      if (choice == "no" || choice == "false" || choice == "0" || choice == "off" || choice == "without") return std::nullopt;
    } else {
      source.options.emplace_back(name, value);
    }
  }
  if (!has_binaries) return std::nullopt;
  return source;
}

bool belongs_to(const std::string& suite, const std::string& release) {
  if (!suite.starts_with(release)) return false;
  return suite.size() == release.size() || suite[release.size()] == '-' || suite[release.size()] == '/';
}

}  // namespace

Result<std::vector<AptSource>> parse_one_line_sources(std::string_view text, std::string_view name) {
  std::vector<AptSource> sources;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t newline = std::min(text.find('\n'), text.size());
    auto source = parse_line(text.substr(0, newline));
    if (!source) return tl::unexpected(std::move(source).error().while_doing(std::string(name) + ":" + std::to_string(number)));
    if (source->has_value()) sources.push_back(std::move(**source));
    text.remove_prefix(std::min(newline + 1, text.size()));
  }
  return sources;
}

Result<std::vector<AptSource>> parse_deb822_sources(std::string_view text, std::string_view name) {
  std::vector<AptSource> sources;
  Stanza stanza;
  const auto finish = [&sources, &stanza] {
    if (!stanza.empty()) {
      if (std::optional<AptSource> source = source_of(stanza)) sources.push_back(*std::move(source));
    }
    stanza.clear();
  };
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t newline = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(std::min(newline + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('#')) continue;
    if (line.find_first_not_of(" \t") == std::string_view::npos) {
      finish();
    } else if (line.front() == ' ' || line.front() == '\t') {
      if (stanza.empty())
        return fail(Errc::kMalformed, std::string(name) + ":" + std::to_string(number) + ": continues no field");
      stanza.back().second += "\n" + std::string(line);
    } else {
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) {
        return fail(Errc::kMalformed, std::string(name) + ":" + std::to_string(number) + ": a field has no ':'");
      }
      const std::size_t value = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
      stanza.emplace_back(line.substr(0, colon), line.substr(value));
    }
  }
  finish();
  return sources;
}

std::vector<AptSource> sources_of_release(const std::vector<AptSource>& sources, const std::string& codename) {
  const std::array<std::string, 6> names = {codename, "stable", "oldstable", "testing", "unstable", "sid"};
  std::vector<AptSource> chosen;
  std::set<std::pair<std::string, std::string>> seen;
  for (const AptSource& source : sources) {
    if (std::find(source.components.begin(), source.components.end(), "main") == source.components.end()) continue;
    for (const std::string& uri : source.uris) {
      for (const std::string& suite : source.suites) {
        const bool ours =
            std::any_of(names.begin(), names.end(), [&suite](const std::string& name) { return belongs_to(suite, name); });
        if (!ours || !seen.emplace(uri, suite).second) continue;
        chosen.push_back({{uri}, {suite}, {"main"}, source.options});
      }
    }
  }
  return chosen;
}

std::string deb822_text(const std::vector<AptSource>& sources) {
  std::string text;
  const auto line = [&text](std::string_view name, const std::vector<std::string>& words) {
    text += name;
    text += ':';
    for (const std::string& word : words) text += " " + word;
    text += '\n';
  };
  for (const AptSource& source : sources) {
    line("Types", {"deb", "deb-src"});
    line("URIs", source.uris);
    line("Suites", source.suites);
    line("Components", source.components);
    for (const auto& [name, value] : source.options) line(name, {value});
    text += '\n';
  }
  return text;
}

Result<std::vector<AptSource>> read_apt_sources(const fs::path& etc) {
  std::vector<fs::path> files;
  std::error_code failure;
  if (fs::is_regular_file(etc / "sources.list", failure)) files.push_back(etc / "sources.list");
  for (const fs::directory_entry& entry : fs::directory_iterator(etc / "sources.list.d", failure)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<AptSource> sources;
  for (const fs::path& file : files) {
    const std::string extension = file.extension().string();
    if (extension != ".list" && extension != ".sources") continue;
    HP_ASSIGN(const std::string text, read_text_file(file));
    HP_ASSIGN(std::vector<AptSource> more,
              extension == ".list" ? parse_one_line_sources(text, file.string()) : parse_deb822_sources(text, file.string()));
    sources.insert(sources.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return sources;
}

}  // namespace hotpatch::buildenv
