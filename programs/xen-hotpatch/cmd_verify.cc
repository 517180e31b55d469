// SPDX-License-Identifier: GPL-2.0-or-later
#include <iostream>

#include "programs/xen-hotpatch/arguments.h"
#include "programs/xen-hotpatch/document.h"
#include "programs/xen-hotpatch/text.h"

namespace hotpatch::cli {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 20;  // reports are larger than payloads

Result<trust::Signer> verify(const HostArguments& arguments) {
  HP_ASSIGN(const trust::SignedFile file, trust::read_signed_file(arguments.file, arguments.signature, kMostBytes));
  trust::Policy policy = policy_of(arguments);
  policy.required = true;
  HP_ASSIGN_DOING(arguments.file, const std::optional<trust::Signer> signer,
                  trust::check(file, policy, std::chrono::system_clock::now()));
  HP_CHECK(signer.has_value(), "a required signature was neither found good nor refused");
  return *signer;
}

}  // namespace

ExitCode run_verify(const HostArguments& arguments) {
  const Result<trust::Signer> signer = verify(arguments);
  if (!signer) return fail_with(arguments, signer.error());
  if (arguments.json) {
    Json document = make_document("verify", "done");
    document["file"] = arguments.file;
    document["signed_by"] = trust::signer_text(*signer);
    print_document(document);
  } else {
    std::cout << printable(arguments.file) << ": signed by " << printable(trust::signer_text(*signer)) << '\n';
  }
  return ExitCode::kDone;
}

}  // namespace hotpatch::cli
