// SPDX-License-Identifier: GPL-2.0-or-later
//
// The manifest of a base in and out of JSON. Written for people and diffs too: one member a line on the outside, one line for each
// command and each list of files inside.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "buildenv/base.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "hotpatch-base";

/// Reads members with the JSON path of what is wrong.
class Reader {
 public:
  Reader(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& member, const char* expected) const {
    return fail(Errc::kMalformed, path_ + "/" + member + " is not " + expected);
  }
  Result<const Json*> member(const std::string& name) const {
    if (!json_.is_object()) return fail(Errc::kMalformed, (path_.empty() ? "/" : path_) + " is not an object");
    const auto found = json_.find(name);
    if (found == json_.end()) return fail(Errc::kMalformed, path_ + "/" + name + " is missing");
    return &*found;
  }
  [[nodiscard]] bool has(const std::string& name) const { return json_.is_object() && json_.contains(name); }
  Result<> text(const std::string& name, std::string& value) const {
    HP_ASSIGN(const Json* found, member(name));
    if (!found->is_string()) return wrong(name, "a string");
    value = found->get_ref<const std::string&>();
    return {};
  }
  Result<> boolean(const std::string& name, bool& value) const {
    HP_ASSIGN(const Json* found, member(name));
    if (!found->is_boolean()) return wrong(name, "true or false");
    value = found->get<bool>();
    return {};
  }
  Result<> number(const std::string& name, std::uint64_t& value) const {
    HP_ASSIGN(const Json* found, member(name));
    if (!found->is_number_unsigned()) return wrong(name, "a whole number");
    value = found->get<std::uint64_t>();
    return {};
  }
  Result<> texts(const std::string& name, std::vector<std::string>& values) const {
    HP_ASSIGN(const Json* found, member(name));
    return texts_of(*found, name, values);
  }
  Result<> texts_of(const Json& array, const std::string& name, std::vector<std::string>& values) const {
    if (!array.is_array()) return wrong(name, "a list of strings");
    for (const Json& item : array) {
      if (!item.is_string()) return wrong(name, "a list of strings");
      values.push_back(item.get_ref<const std::string&>());
    }
    return {};
  }
  Result<const Json*> list(const std::string& name) const {
    HP_ASSIGN(const Json* found, member(name));
    if (!found->is_array()) return wrong(name, "a list");
    return found;
  }
  [[nodiscard]] std::string item_path(const std::string& name, std::size_t index) const {
    return path_ + "/" + name + "/" + std::to_string(index);
  }

 private:
  const Json& json_;
  std::string path_;
};

/// A path of the manifest stays inside the base: whoever wrote it must not make us read elsewhere.
Result<> relative_path(const Reader& reader, const std::string& name, std::string& value) {
  HP_TRY(reader.text(name, value));
  const fs::path path(value);
  if (path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end()) {
    return reader.wrong(name, "a path inside the base");
  }
  return {};
}

Result<Tool> read_tool(const Reader& reader) {
  Tool tool;
  HP_TRY(reader.text("name", tool.name));
  HP_TRY(reader.text("path", tool.path));
  HP_TRY(reader.text("version", tool.version));
  HP_TRY(reader.text("sha256", tool.sha256));
  return tool;
}

Result<Unit> read_unit(const Reader& reader) {
  Unit unit;
  HP_TRY(relative_path(reader, "object", unit.object));
  HP_TRY(relative_path(reader, "source", unit.source));
  HP_TRY(reader.text("file_symbol", unit.file_symbol));
  HP_TRY(reader.boolean("linked", unit.is_linked));
  HP_TRY(reader.boolean("init", unit.is_init));
  HP_TRY(reader.text("unreplayable", unit.unreplayable));
  if (reader.has("unproven")) HP_TRY(reader.text("unproven", unit.unproven));
  HP_ASSIGN(const Json* commands, reader.list("commands"));
  for (const Json& words : *commands) {
    HP_TRY(reader.texts_of(words, "commands", unit.commands.emplace_back()));
    if (unit.commands.back().empty()) return reader.wrong("commands", "a list of commands");
  }
  HP_TRY(reader.texts("dependencies", unit.dependencies));
  return unit;
}

Result<> read_identity(const Reader& reader, Base& base) {
  HP_TRY(reader.text("target", base.target));
  HP_TRY(reader.text("description", base.description));
  HP_TRY(reader.text("package_version", base.package_version));
  HP_TRY(reader.text("architecture", base.architecture));
  std::string build_id;
  HP_TRY(reader.text("build_id", build_id));
  HP_ASSIGN_DOING("/build_id", base.build_id, BuildId::parse(build_id));
  std::string grade;
  HP_TRY(reader.text("grade", grade));
  if (grade == grade_name(ProofGrade::kIdentical)) {
    base.grade = ProofGrade::kIdentical;
  } else if (grade == grade_name(ProofGrade::kMatched)) {
    base.grade = ProofGrade::kMatched;
  } else if (grade == grade_name(ProofGrade::kOnDemand)) {
    base.grade = ProofGrade::kOnDemand;
  } else {
    return reader.wrong("grade", "\"identical\", \"matched\" or \"on demand\"");
  }
  HP_TRY(reader.number("proven_functions", base.proven_functions));
  return reader.number("proven_bytes", base.proven_bytes);
}

Result<> read_files(const Reader& reader, Base& base) {
  HP_TRY(reader.text("source_sha256", base.source_sha256));
  HP_TRY(reader.text("config_sha256", base.config_sha256));
  HP_TRY(reader.text("image_sha256", base.image_sha256));
  HP_TRY(reader.text("files_sha256", base.files_sha256));
  HP_TRY(relative_path(reader, "build_directory", base.build_directory));
  HP_TRY(relative_path(reader, "symbols_image", base.symbols_image));
  HP_TRY(relative_path(reader, "boot_image", base.boot_image));
  return relative_path(reader, "config", base.config);
}

Result<KernelFacts> read_kernel(const Reader& reader) {
  KernelFacts kernel;
  HP_TRY(reader.text("release", kernel.release));
  HP_TRY(reader.texts("make_arguments", kernel.make_arguments));
  HP_TRY(reader.text("debug_package", kernel.debug_package));
  HP_TRY(reader.text("module_directory", kernel.module_directory));
  HP_TRY(reader.number("image_units", kernel.image_units));
  HP_TRY(reader.number("module_units", kernel.module_units));
  HP_TRY(reader.number("modules", kernel.modules));
  HP_ASSIGN(const Json* sizes, reader.member("record_sizes"));
  if (!sizes->is_object()) return reader.wrong("record_sizes", "an object");
  for (const auto& item : sizes->items()) {
    if (!item.value().is_number_unsigned()) return reader.wrong("record_sizes/" + item.key(), "a whole number");
    kernel.record_sizes.emplace_back(item.key(), item.value().get<std::uint64_t>());
  }
  return kernel;
}

Result<Base> read_manifest(const Json& json) {
  const Reader reader(json, "");
  std::string schema;
  HP_TRY(reader.text("schema", schema));
  if (schema != kSchema) return reader.wrong("schema", "\"hotpatch-base\"");
  std::uint64_t version = 0;
  HP_TRY(reader.number("version", version));
  if (version != kManifestVersion) {
    return tl::unexpected(Error(Errc::kUnsupported, "manifest version " + std::to_string(version) +
                                                        "; this program reads version " + std::to_string(kManifestVersion))
                              .with_remedy("make the base again with this hotpatch"));
  }
  Base base;
  HP_TRY(read_identity(reader, base));
  HP_TRY(read_files(reader, base));
  HP_ASSIGN(const Json* tools, reader.list("tools"));
  for (std::size_t at = 0; at < tools->size(); ++at) {
    HP_ASSIGN(Tool tool, read_tool(Reader((*tools)[at], reader.item_path("tools", at))));
    base.tools.push_back(std::move(tool));
  }
  HP_ASSIGN(const Json* environment, reader.member("environment"));
  if (!environment->is_object()) return reader.wrong("environment", "an object");
  for (const auto& item : environment->items()) {
    if (!item.value().is_string()) return reader.wrong("environment/" + item.key(), "a string");
    base.environment.emplace_back(item.key(), item.value().get_ref<const std::string&>());
  }
  HP_TRY(reader.texts("generated_files", base.generated_files));
  if (reader.has("kernel")) {
    HP_ASSIGN(const Json* kernel, reader.member("kernel"));
    HP_ASSIGN(base.kernel, read_kernel(Reader(*kernel, "/kernel")));
  }
  HP_ASSIGN(const Json* units, reader.list("units"));
  for (std::size_t at = 0; at < units->size(); ++at) {
    HP_ASSIGN(Unit unit, read_unit(Reader((*units)[at], reader.item_path("units", at))));
    base.units.push_back(std::move(unit));
  }
  return base;
}

std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string list_text(const std::vector<std::string>& texts) {
  std::string line = "[";
  for (const std::string& text : texts) {
    if (line.size() > 1) line += ", ";
    line += quoted(text);
  }
  return line + "]";
}

std::string unit_text(const Unit& unit) {
  std::string text =
      "    {\n      \"object\": " + quoted(unit.object) + ",\n      \"source\": " + quoted(unit.source) +
      ",\n      \"file_symbol\": " + quoted(unit.file_symbol) + ",\n      \"linked\": " + (unit.is_linked ? "true" : "false") +
      ",\n      \"init\": " + (unit.is_init ? "true" : "false") + ",\n      \"unreplayable\": " + quoted(unit.unreplayable) +
      (unit.unproven.empty() ? "" : ",\n      \"unproven\": " + quoted(unit.unproven)) + ",\n      \"commands\": [";
  for (const std::vector<std::string>& command : unit.commands) {
    if (&command != &unit.commands.front()) text += ",";
    text += "\n        " + list_text(command);
  }
  return text + "],\n      \"dependencies\": " + list_text(unit.dependencies) + "\n    }";
}

std::string kernel_text(const KernelFacts& kernel) {
  std::string text = "  \"kernel\": {\n    \"release\": " + quoted(kernel.release) +
                     ",\n    \"make_arguments\": " + list_text(kernel.make_arguments) +
                     ",\n    \"debug_package\": " + quoted(kernel.debug_package) +
                     ",\n    \"module_directory\": " + quoted(kernel.module_directory) +
                     ",\n    \"image_units\": " + std::to_string(kernel.image_units) +
                     ",\n    \"module_units\": " + std::to_string(kernel.module_units) +
                     ",\n    \"modules\": " + std::to_string(kernel.modules) + ",\n    \"record_sizes\": {";
  for (const auto& [name, size] : kernel.record_sizes) {
    if (&name != &kernel.record_sizes.front().first) text += ", ";
    text += quoted(name) + ": " + std::to_string(size);
  }
  return text + "}\n  },\n";
}

void add_member(std::string& text, const char* name, const std::string& value) {
  text += "  " + quoted(name) + ": " + quoted(value) + ",\n";
}

tl::unexpected<Error> not_a_base(const fs::path& directory) {
  std::error_code ignored;
  if (!fs::exists(directory, ignored)) {
    return tl::unexpected(Error(Errc::kNotFound, "no base at " + directory.string() + ": there is no such directory")
                              .with_remedy("make one: hotpatch base create xen --debian VERSION --output " + directory.string()));
  }
  if (!fs::is_directory(directory, ignored)) return fail(Errc::kNotFound, directory.string() + " is not a base, but a file");
  if (directory.filename().string().ends_with(".partial")) {
    return tl::unexpected(Error(Errc::kNotFound, directory.string() + " is not a base, but what an interrupted creation left")
                              .with_remedy("run hotpatch base create again, which removes it"));
  }
  return fail(Errc::kNotFound, directory.string() + " is not a base: it has no " + std::string(kManifestName));
}

}  // namespace

const char* grade_name(ProofGrade grade) noexcept {
  switch (grade) {
    case ProofGrade::kIdentical: return "identical";
    case ProofGrade::kMatched: return "matched";
    case ProofGrade::kOnDemand: return "on demand";
  }
  return "unknown";
}

std::string manifest_text(const Base& base) {
  std::string text = "{\n";
  add_member(text, "schema", kSchema);
  text += "  \"version\": " + std::to_string(kManifestVersion) + ",\n";
  add_member(text, "target", base.target);
  add_member(text, "description", base.description);
  add_member(text, "package_version", base.package_version);
  add_member(text, "architecture", base.architecture);
  add_member(text, "build_id", base.build_id.text());
  add_member(text, "grade", grade_name(base.grade));
  text += "  \"proven_functions\": " + std::to_string(base.proven_functions) + ",\n";
  text += "  \"proven_bytes\": " + std::to_string(base.proven_bytes) + ",\n";
  add_member(text, "source_sha256", base.source_sha256);
  add_member(text, "config_sha256", base.config_sha256);
  add_member(text, "image_sha256", base.image_sha256);
  add_member(text, "files_sha256", base.files_sha256);
  add_member(text, "build_directory", base.build_directory);
  add_member(text, "symbols_image", base.symbols_image);
  add_member(text, "boot_image", base.boot_image);
  add_member(text, "config", base.config);
  text += "  \"tools\": [";
  for (const Tool& tool : base.tools) {
    if (&tool != &base.tools.front()) text += ",";
    text += "\n    {\"name\": " + quoted(tool.name) + ", \"path\": " + quoted(tool.path) +
            ", \"version\": " + quoted(tool.version) + ", \"sha256\": " + quoted(tool.sha256) + "}";
  }
  text += "\n  ],\n  \"environment\": {";
  for (const auto& variable : base.environment) {
    if (&variable != &base.environment.front()) text += ",";
    text += "\n    " + quoted(variable.first) + ": " + quoted(variable.second);
  }
  text += "\n  },\n  \"generated_files\": " + list_text(base.generated_files) + ",\n";
  if (base.kernel) text += kernel_text(*base.kernel);
  text += "  \"units\": [\n";
  for (const Unit& unit : base.units) {
    if (&unit != &base.units.front()) text += ",\n";
    text += unit_text(unit);
  }
  return text + "\n  ]\n}\n";
}

Result<Base> load_base(const fs::path& directory) {
  std::error_code failure;
  const fs::path absolute = fs::weakly_canonical(fs::absolute(directory, failure), failure);
  const fs::path path = absolute / kManifestName;
  if (failure || !fs::exists(path, failure)) return not_a_base(directory);
  HP_ASSIGN(const std::string text, read_text_file(path));
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(Errc::kMalformed, path.string() + " is not JSON");
  auto base = read_manifest(json);
  if (!base) return tl::unexpected(std::move(base).error().while_doing(path.string()));
  base->directory = absolute;
  return base;
}

}  // namespace hotpatch::buildenv
