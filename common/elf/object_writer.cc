// SPDX-License-Identifier: GPL-2.0-or-later
//
// The only file that includes libelf. The layout is ours (ELF_F_LAYOUT), so that no version of the library changes a byte: header,
// sections in order, .rela sections, .symtab, .strtab, .shstrtab, section headers.
#include <gelf.h>
#include <libelf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <map>

#include "common/elf/object_builder.h"
#include "common/support/checked_math.h"
#include "common/support/unique_fd.h"

namespace hotpatch::elf {
namespace {

class ElfHandle {
 public:
  explicit ElfHandle(Elf* elf) noexcept : elf_(elf) {}
  ElfHandle(const ElfHandle&) = delete;
  ElfHandle& operator=(const ElfHandle&) = delete;
  ~ElfHandle() { elf_end(elf_); }
  [[nodiscard]] Elf* get() const noexcept { return elf_; }

 private:
  Elf* elf_;
};

tl::unexpected<Error> libelf_failed(const std::string& doing) {
  return fail(Errc::kInvalid, "libelf: " + doing + ": " + elf_errmsg(-1));
}

/// Strings, each once, in the order of their first use.
class StringTable {
 public:
  std::uint32_t add(const std::string& text) {
    if (text.empty()) return 0;
    const auto [entry, is_new] = offsets_.try_emplace(text, static_cast<std::uint32_t>(bytes_.size()));
    if (is_new) {
      const ByteView view = as_byte_view(text);
      bytes_.insert(bytes_.end(), view.begin(), view.end());
      bytes_.push_back(std::byte{0});
    }
    return entry->second;
  }
  [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }

 private:
  std::map<std::string, std::uint32_t> offsets_;
  Bytes bytes_ = Bytes(1);
};

unsigned char binding_number(SymbolBinding binding) noexcept {
  switch (binding) {
    case SymbolBinding::kGlobal: return STB_GLOBAL;
    case SymbolBinding::kWeak: return STB_WEAK;
    case SymbolBinding::kLocal:
    case SymbolBinding::kOther: break;
  }
  return STB_LOCAL;
}

unsigned char type_number(SymbolType type) noexcept {
  switch (type) {
    case SymbolType::kObject: return STT_OBJECT;
    case SymbolType::kFunction: return STT_FUNC;
    case SymbolType::kSection: return STT_SECTION;
    case SymbolType::kFile: return STT_FILE;
    case SymbolType::kNone:
    case SymbolType::kOther: break;
  }
  return STT_NOTYPE;
}

std::uint16_t section_number(const NewSymbol& symbol) noexcept {
  if (symbol.reserved_section != 0) return symbol.reserved_section;
  switch (symbol.place) {
    case SymbolPlace::kAbsolute: return SHN_ABS;
    case SymbolPlace::kCommon: return SHN_COMMON;
    case SymbolPlace::kSection: return static_cast<std::uint16_t>(symbol.section.value());
    case SymbolPlace::kUndefined: break;
  }
  return SHN_UNDEF;
}

/// A section as it goes into the file.
struct OutputSection {
  const NewSection* section;
  std::uint32_t link = 0;
  std::uint32_t info = 0;
};

bool is_nobits(const NewSection& section) noexcept { return section.type == SHT_NOBITS; }

Result<> append_section(Elf* elf, const OutputSection& output, std::uint32_t name, std::uint64_t& offset) {
  const NewSection& section = *output.section;
  Elf_Scn* scn = elf_newscn(elf);
  if (scn == nullptr) return libelf_failed("new section " + section.name);
  Elf_Data* data = elf_newdata(scn);
  GElf_Shdr header;
  if (data == nullptr || gelf_getshdr(scn, &header) == nullptr) return libelf_failed("section " + section.name);
  const std::uint64_t size = is_nobits(section) ? section.nobits_size : section.contents.size();
  offset = align_up(offset, section.alignment);
  // libelf takes a mutable pointer for a buffer that it only reads here.
  data->d_buf = is_nobits(section) ? nullptr : const_cast<std::byte*>(section.contents.data());
  data->d_size = size;
  data->d_align = section.alignment;
  data->d_off = 0;
  data->d_type = ELF_T_BYTE;  // already in the file's byte order
  data->d_version = EV_CURRENT;
  header.sh_name = name;
  header.sh_type = section.type;
  header.sh_flags = section.flags;
  header.sh_addr = section.address;
  header.sh_offset = offset;
  header.sh_size = size;
  header.sh_link = output.link;
  header.sh_info = output.info;
  header.sh_addralign = section.alignment;
  header.sh_entsize = section.entry_size;
  if (gelf_update_shdr(scn, &header) == 0) return libelf_failed("header of section " + section.name);
  if (!is_nobits(section)) offset += size;
  return {};
}

Result<Bytes> read_back(int fd, std::uint64_t size) {
  Bytes bytes(static_cast<std::size_t>(size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read back the object", errno);
    if (count == 0) return fail(Errc::kIo, "libelf wrote less than it said");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

std::uint16_t type_number(FileType type) noexcept {
  switch (type) {
    case FileType::kExecutable: return ET_EXEC;
    case FileType::kShared: return ET_DYN;
    case FileType::kRelocatable: break;
  }
  return ET_REL;
}

Result<Bytes> write_file_image(const std::vector<OutputSection>& outputs, FileType type) {
  if (elf_version(EV_CURRENT) == EV_NONE) return libelf_failed("version");
  const UniqueFd fd(::memfd_create("hotpatch-object", MFD_CLOEXEC));
  if (!fd.valid()) return fail_errno("memfd_create", errno);
  const ElfHandle elf(elf_begin(fd.get(), ELF_C_WRITE, nullptr));
  if (elf.get() == nullptr) return libelf_failed("begin");
  if (elf_flagelf(elf.get(), ELF_C_SET, ELF_F_LAYOUT) == 0) return libelf_failed("layout");
  elf_fill(0);
  Elf64_Ehdr* header = elf64_newehdr(elf.get());
  if (header == nullptr) return libelf_failed("header");
  header->e_ident[EI_DATA] = ELFDATA2LSB;
  header->e_ident[EI_OSABI] = ELFOSABI_SYSV;
  header->e_type = type_number(type);
  header->e_machine = EM_X86_64;
  header->e_version = EV_CURRENT;

  StringTable names;
  for (const OutputSection& output : outputs) (void)names.add(output.section->name);
  NewSection last = *outputs.back().section;
  last.contents = names.bytes();
  std::uint64_t offset = sizeof(Elf64_Ehdr);
  for (std::size_t number = 0; number < outputs.size(); ++number) {
    OutputSection output = outputs[number];
    if (number + 1 == outputs.size()) output.section = &last;
    HP_TRY(append_section(elf.get(), output, names.add(output.section->name), offset));
  }
  header->e_shstrndx = static_cast<std::uint16_t>(outputs.size());
  header->e_shoff = align_up(offset, alignof(Elf64_Shdr));
  if (gelf_update_ehdr(elf.get(), header) == 0) return libelf_failed("header");
  const off_t size = elf_update(elf.get(), ELF_C_WRITE);
  if (size < 0) return libelf_failed("write");
  return read_back(fd.get(), static_cast<std::uint64_t>(size));
}

}  // namespace

ObjectBuilder::ObjectBuilder() : sections_(1), symbols_(1), relocations_(1), section_symbols_(1) {}

SectionIndex ObjectBuilder::add_section(NewSection section) {
  sections_.push_back(std::move(section));
  relocations_.emplace_back();
  section_symbols_.emplace_back();
  return SectionIndex(sections_.size() - 1);
}

SymbolIndex ObjectBuilder::add_symbol(NewSymbol symbol) {
  symbols_.push_back(std::move(symbol));
  return SymbolIndex(symbols_.size() - 1);
}

SymbolIndex ObjectBuilder::section_symbol(SectionIndex section) {
  SymbolIndex& known = section_symbols_.at(section.value());
  if (known == SymbolIndex()) {
    known = add_symbol({.name = {}, .type = SymbolType::kSection, .place = SymbolPlace::kSection, .section = section});
  }
  return known;
}

void ObjectBuilder::add_relocation(SectionIndex section, Relocation relocation) {
  relocations_.at(section.value()).push_back(relocation);
}

std::size_t ObjectBuilder::add_relocation_table(SectionIndex section, std::string name, std::uint64_t flags) {
  tables_.push_back({.section = section, .name = std::move(name), .flags = flags, .relocations = {}});
  return tables_.size() - 1;
}

void ObjectBuilder::add_relocation_to(std::size_t table, Relocation relocation) {
  tables_.at(table).relocations.push_back(relocation);
}

Result<Bytes> ObjectBuilder::write(FileType type) const {
  // Sections, their relocations, then the three tables: their numbers follow from the counts.
  struct Relocated {
    std::string name;
    std::uint64_t flags = 0;
    std::size_t section = 0;
    const std::vector<Relocation>* relocations = nullptr;
  };
  std::vector<Relocated> relocated;
  for (std::size_t number = 1; number < sections_.size(); ++number) {
    const NewSection& section = sections_[number];
    if (section.alignment == 0 || (section.alignment & (section.alignment - 1)) != 0)
      return fail(Errc::kInvalid, "section " + section.name + " cannot have the alignment " + std::to_string(section.alignment));
    if (!relocations_[number].empty())
      relocated.push_back({".rela" + section.name, SHF_INFO_LINK, number, &relocations_[number]});
  }
  for (const RelocationTable& table : tables_)
    relocated.push_back({table.name, SHF_INFO_LINK | table.flags, table.section.value(), &table.relocations});
  const std::size_t symtab_number = sections_.size() + relocated.size();
  if (symtab_number + 3 >= SHN_LORESERVE)
    return fail(Errc::kInvalid, std::to_string(symtab_number + 3) + " sections are more than a plain ELF file can have");

  // ELF wants local symbols first.
  std::vector<std::uint32_t> file_index(symbols_.size());
  std::vector<std::size_t> order;
  const auto is_local = [this](std::size_t number) { return binding_number(symbols_[number].binding) == STB_LOCAL; };
  for (std::size_t number = 0; number < symbols_.size(); ++number) {
    if (is_local(number)) order.push_back(number);
  }
  const std::size_t locals = order.size();
  for (std::size_t number = 0; number < symbols_.size(); ++number) {
    if (!is_local(number)) order.push_back(number);
  }
  StringTable strings;
  ByteWriter symtab;
  for (std::size_t place = 0; place < order.size(); ++place) {
    const NewSymbol& symbol = symbols_[order[place]];
    file_index[order[place]] = static_cast<std::uint32_t>(place);
    if (symbol.place == SymbolPlace::kSection && symbol.reserved_section == 0 &&
        (symbol.section == SectionIndex() || symbol.section.value() >= sections_.size()))
      return fail(Errc::kInvalid, "symbol " + symbol.name + " lies in no section");
    symtab.write<std::uint32_t>(strings.add(symbol.name));
    symtab.write<std::uint8_t>(
        static_cast<std::uint8_t>(ELF64_ST_INFO(binding_number(symbol.binding), type_number(symbol.type))));
    symtab.write<std::uint8_t>(STV_DEFAULT);
    symtab.write<std::uint16_t>(section_number(symbol));
    symtab.write<std::uint64_t>(symbol.value);
    symtab.write<std::uint64_t>(symbol.size);
  }

  std::vector<NewSection> made;  // what outputs points to: never grows beyond this
  made.reserve(relocated.size() + 3);
  std::vector<OutputSection> outputs;
  for (std::size_t number = 1; number < sections_.size(); ++number) outputs.push_back({.section = &sections_[number]});
  for (const Relocated& one : relocated) {
    const NewSection& section = sections_[one.section];
    const std::uint64_t size = is_nobits(section) ? 0 : section.contents.size();
    ByteWriter table;
    for (const Relocation& relocation : *one.relocations) {
      if (relocation.symbol.value() >= symbols_.size() || relocation.offset >= size) {
        return fail(Errc::kInvalid, "a relocation at " + section.name + "+" + hex(relocation.offset) + " for symbol " +
                                        std::to_string(relocation.symbol.value()) + " does not fit");
      }
      table.write<std::uint64_t>(relocation.offset);
      table.write<std::uint64_t>(
          ELF64_R_INFO(static_cast<std::uint64_t>(file_index[relocation.symbol.value()]), relocation.type));
      table.write<std::int64_t>(relocation.addend);
    }
    made.push_back({.name = one.name,
                    .type = SHT_RELA,
                    .flags = one.flags,
                    .alignment = alignof(Elf64_Rela),
                    .entry_size = sizeof(Elf64_Rela),
                    .contents = std::move(table).take()});
    outputs.push_back({.section = &made.back(),
                       .link = static_cast<std::uint32_t>(symtab_number),
                       .info = static_cast<std::uint32_t>(one.section)});
  }
  made.push_back({.name = ".symtab",
                  .type = SHT_SYMTAB,
                  .alignment = alignof(Elf64_Sym),
                  .entry_size = sizeof(Elf64_Sym),
                  .contents = std::move(symtab).take()});
  outputs.push_back({.section = &made.back(),
                     .link = static_cast<std::uint32_t>(symtab_number + 1),
                     .info = static_cast<std::uint32_t>(locals)});
  made.push_back({.name = ".strtab", .type = SHT_STRTAB, .contents = strings.bytes()});
  outputs.push_back({.section = &made.back()});
  made.push_back({.name = ".shstrtab", .type = SHT_STRTAB});
  outputs.push_back({.section = &made.back()});
  return write_file_image(outputs, type);
}

}  // namespace hotpatch::elf
