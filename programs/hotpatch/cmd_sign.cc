// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/cmd_sign.h"

#include <iostream>
#include <memory>

#include "common/support/file.h"
#include "common/trust/appended.h"
#include "common/trust/sign.h"
#include "common/trust/vendors.h"
#include "programs/hotpatch/report.h"

namespace hotpatch::cli {
namespace {

struct SignOptions {
  std::string file;
  std::string key;
  std::string certificate;
  std::string output;
  bool append = false;
};

Result<ExitCode> run_sign(const SignOptions& options, bool json) {
  HP_ASSIGN(const Bytes file, read_file(options.file));
  HP_ASSIGN_DOING(options.file, const trust::Split split, trust::split_signature(file));
  if (!split.signature.empty())
    return tl::unexpected(
        Error(Errc::kInvalid, options.file + " has a signature appended already").with_remedy("sign the file as it was built"));
  HP_ASSIGN(const Bytes signature,
            trust::sign(file, {.key = options.key, .certificate = options.certificate}, trust::Carry::kCertificate));
  std::string output = options.output;
  if (output.empty()) output = options.append ? options.file : options.file + trust::kSignatureSuffix;
  HP_TRY(write_file(output, options.append ? trust::append_signature(file, signature) : signature));
  if (json) {
    Json document = make_document("sign");
    document["output"] = output;
    document["form"] = options.append ? "appended" : "detached";
    document["signature_bytes"] = signature.size();
    print_document(document);
  } else {
    std::cout << "signed " << options.file << ": " << output << '\n';
  }
  return ExitCode::kDone;
}

}  // namespace

void add_sign_command(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("sign", "sign a payload or a report");
  const auto options = std::make_shared<SignOptions>();
  command->add_option("FILE", options->file, "what is signed")->required();
  command->add_option("--sign-key", options->key, "private key (PEM, no passphrase)")->required();
  command->add_option("--sign-cert", options->certificate, "its X.509 certificate")->required();
  command->add_flag("--append", options->append, "append the signature to the file (default: write it beside it, FILE.p7s)");
  command->add_option("--output", options->output, "the file to write");
  add_json_option(*command, chosen);
  command->callback([options, &chosen] { chosen.run = [options, &chosen] { return run_sign(*options, chosen.json); }; });
}

}  // namespace hotpatch::cli
