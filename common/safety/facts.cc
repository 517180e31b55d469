// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/facts.h"

namespace hotpatch::safety {
namespace {

const std::map<std::string, EventKind>& kinds() {
  static const std::map<std::string, EventKind> kKinds = {
      {"write", EventKind::kWrite},   {"local", EventKind::kLocal}, {"call", EventKind::kCall},     {"if", EventKind::kIf},
      {"switch", EventKind::kSwitch}, {"case", EventKind::kCase},   {"return", EventKind::kReturn}, {"asm", EventKind::kAsm}};
  return kKinds;
}

Event event_of(const Form& document) {
  Event event;
  event.kind = kinds().at(document.at("e").get<std::string>());
  event.line = document.at("line").get<unsigned>();
  event.operation = document.value("op", "=");
  event.type = document.value("type", "");
  if (document.contains("to")) event.to = document["to"];
  if (document.contains("from")) event.form = document["from"];
  if (document.contains("x")) event.form = document["x"];
  if (event.kind == EventKind::kAsm)
    event.form = Form::array({"x", "asm " + document.at("text").get<std::string>(), document.at("written"), document.at("read")});
  return event;
}

FunctionFacts function_of(const std::string& name, const Form& document) {
  FunctionFacts function;
  function.name = name;
  function.file = document.at("file").get<std::string>();
  function.line = document.at("line").get<unsigned>();
  function.is_static = document.at("static").get<bool>();
  function.is_in_main = document.at("main").get<bool>();
  function.is_known = document.at("is_known").get<bool>();
  function.parameters = document.at("parameters").get<std::vector<std::string>>();
  function.lengths = document.value("lengths", std::map<std::string, std::uint64_t>());
  std::map<int, int> numbers;
  for (const Form& block : document.at("blocks")) numbers.emplace(block.at("id").get<int>(), static_cast<int>(numbers.size()));
  function.digest = document.at("result").dump() + document.at("parameters").dump();
  for (const Form& block : document.at("blocks")) {
    FlowBlock product;
    product.ends = block.contains("ends");
    for (const Form& next : block.at("next")) product.next.push_back(next.is_null() ? -1 : numbers.at(next.get<int>()));
    function.digest += Form(product.next).dump();
    for (Form event : block.at("events")) {
      product.events.push_back(event_of(event));
      event.erase("line");
      function.digest += event.dump();
    }
    function.blocks.push_back(std::move(product));
  }
  if (function.is_known) {
    function.entry = static_cast<std::size_t>(numbers.at(document.at("entry").get<int>()));
    function.exit = static_cast<std::size_t>(numbers.at(document.at("exit").get<int>()));
  }
  return function;
}

std::string list_of(const Form& form, std::size_t first) {
  std::string text;
  for (std::size_t i = first; i < form.size(); ++i) text += (i == first ? "" : ", ") + text_of(form[i]);
  return text;
}

}  // namespace

Result<Facts> parse_facts(std::string_view document) {
  try {
    const Form parsed = Form::parse(document);
    if (parsed.at("schema") != "hotpatch-syntax/1")
      return fail(Errc::kMalformed, "facts of a source: another schema than hotpatch-syntax/1");
    Facts facts;
    facts.errors = parsed.at("errors").get<std::vector<std::string>>();
    facts.pairs = parsed.at("pairs").get<std::map<std::string, std::string>>();
    facts.macros = parsed.at("macros").get<std::map<std::string, std::string>>();
    for (const auto& [name, function] : parsed.at("functions").items())
      facts.functions.emplace(name, function_of(name, function));
    return facts;
  } catch (const std::exception& error) {
    return fail(Errc::kMalformed, std::string("facts of a source: ") + error.what());
  }
}

std::string called_name(const Form& call) {
  return is_a(call, "call") && call.size() > 1 && call[1].is_string() ? call[1].get<std::string>() : "";
}

std::string text_of(const Form& form) {
  if (form.is_string()) return form.get<std::string>();
  if (!form.is_array() || form.empty()) return form.dump();
  const std::string kind = form[0].is_string() ? form[0].get<std::string>() : "";
  const auto part = [&](std::size_t at) { return at < form.size() ? text_of(form[at]) : std::string(); };
  if (kind == "p") return "p" + form.at(1).dump();
  if (kind == "c" || kind == "l" || kind == "g" || kind == "f") return part(1);
  if (kind == "s") return "\"" + part(1) + "\"";
  if (kind == "z") return "sizeof(" + part(1) + ")";
  if (kind == "m") return part(3) + "->" + part(2);
  if (kind == "n") return part(3) + "." + part(2);
  if (kind == "d") return "*" + part(1);
  if (kind == "a") return "&" + part(1);
  if (kind == "i") return part(1) + "[" + part(2) + "]";
  if (kind == "b") return "(" + part(2) + " " + part(1) + " " + part(3) + ")";
  if (kind == "u") return part(1) + part(2);
  if (kind == "q") return "(" + part(1) + " ? " + part(2) + " : " + part(3) + ")";
  if (kind == "call") return part(1) + "(" + list_of(form, 2) + ")";
  return kind + "(" + list_of(form, 1) + ")";
}

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  std::string word;
  for (const char one : name) {
    if (one != '_') {
      word += one;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

}  // namespace hotpatch::safety
