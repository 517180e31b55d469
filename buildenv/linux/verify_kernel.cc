// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/verify_kernel.h"

#include "buildenv/linux/kernel_proof.h"
#include "buildenv/toolchain.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {

Result<Verification> verify_kernel_base(const Base& base, std::size_t sample, unsigned threads) {
  Verification verification;
  HP_TRY(verify_files(base, threads, verification));
  for (std::string& change : changed_tools(base)) verification.notes.push_back(std::move(change));
  HP_ASSIGN(const UnitIndex index, read_unit_index(base.directory / "index"));
  const auto stock = StockKernel::open(base, index);
  if (!stock) {
    verification.problems.push_back(stock.error().message());
    return verification;
  }
  HP_ASSIGN(const TempDir work, TempDir::make("hotpatch-verify"));
  const auto proven = prove_units(base, index, **stock, sample_units(index, base.build_path(), sample), work.path(), threads);
  if (!proven) {
    verification.problems.push_back(proven.error().message());
    return verification;
  }
  for (const ProvenUnit& unit : *proven) {
    verification.functions += unit.located.proven_functions;
    verification.bytes += unit.located.proven_bytes;
    verification.replayed += unit.ok() ? 1U : 0U;
    for (const std::string& name : unit.located.absent) verification.absent.push_back(unit.unit->object() + ": " + name);
    if (!unit.ok()) verification.problems.push_back(describe(unit));
  }
  return verification;
}

}  // namespace hotpatch::buildenv
