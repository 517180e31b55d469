// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/papers.h"

#include <algorithm>

#include "common/support/file.h"
#include "programs/hotpatch/report.h"

namespace hotpatch::cli {
namespace {

constexpr std::uint64_t kMostPapers = std::uint64_t{256} << 20;  // bytes
constexpr int kEnough = 2;                                       // times that a payload was applied and reverted

Result<Json> read_json(const std::string& path, const char* command) {
  HP_ASSIGN(const std::string text, read_text_file(path, kMostPapers));
  Json document = Json::parse(text, nullptr, false);
  if (!document.is_object() || document.value("schema", "") != kSchema || document.value("command", "") != command)
    return fail(Errc::kMalformed, path + ": is no document of hotpatch " + command);
  return document;
}

/// Whether the trial went well, and was one of this file.
Result<> check_record(const Json& record, const std::string& path, const PaperTrail& trail) {
  const auto trial = record.find("trial");
  if (trial == record.end() || !trial->is_object()) return fail(Errc::kMalformed, path + ": does not say what was tried");
  const auto files = trial->find("files");
  const bool is_of_file =
      files != trial->end() && files->is_array() && std::ranges::find(*files, Json(trail.sha256)) != files->end();
  if (!is_of_file || trial->value("base", "") != trail.base.text())
    return tl::unexpected(Error(Errc::kTrust, path + ": is the record of other files, or of a trial on another base")
                              .with_remedy("try this very file: hotpatch try FILE --base DIR --record FILE"));
  if (record.value("verdict", "") != "passed")
    return fail(Errc::kTrust, path + ": the trial ended with '" + record.value("verdict", "") + "'");
  if (trial->value("cycles", 0) < (trail.stays_loaded ? 1 : kEnough))
    return fail(Errc::kTrust, path + ": it was not applied and reverted twice");
  return {};
}

}  // namespace

Json record_json(const std::vector<std::string>& digests, const BuildId& base, bool twice) {
  return {{"files", digests}, {"base", base.text()}, {"cycles", twice ? kEnough : 1}};
}

Result<> check_papers(const Papers& papers, const PaperTrail& trail, Diagnostics& findings, Json& document) {
  if (!papers.report.empty()) {
    HP_ASSIGN(const Json report, read_json(papers.report, "build"));
    const std::string digest = report_digest(report);
    if (digest != trail.report_digest)
      return tl::unexpected(
          Error(Errc::kTrust, papers.report + ": has the digest " + digest + ", and the file was built with " +
                                  (trail.report_digest.empty() ? "none in its metadata" : "the report " + trail.report_digest))
              .with_remedy("take the report that was written with this file, as it was written"));
    document["report"]["sha256"] = digest;
    if (const auto safety = report.find("safety"); safety != report.end() && safety->is_object())
      document["report"]["class"] = safety->value("class", "");
  }
  if (!papers.record.empty()) {
    HP_ASSIGN(const Json record, read_json(papers.record, "try"));
    HP_TRY(check_record(record, papers.record, trail));
  }
  std::vector<safety::Discharge> discharges;
  for (const std::string& text : trail.discharges) {
    HP_ASSIGN_DOING("the metadata", safety::Discharge one, safety::parse_discharge(text));
    const bool is_tried = !papers.record.empty();
    findings.add({"HP083-hook-untried",
                  is_tried ? Severity::kNote : Severity::kWarning,
                  {.unit = {}, .symbol = one.symbol, .section = {}, .source = {}},
                  one.rule + (is_tried ? " is discharged: " : " is answered by hooks that were not tried: ") + one.apply +
                      " and " + one.revert + (is_tried ? " were tried" : ""),
                  is_tried ? "" : "hotpatch try FILE --base DIR --record RECORD.json, and give the record with --record"});
    discharges.push_back(std::move(one));
  }
  document["discharges"] = to_json(discharges, papers.record.empty() ? "not tried" : "discharged");
  return {};
}

}  // namespace hotpatch::cli
