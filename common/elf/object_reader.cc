// SPDX-License-Identifier: GPL-2.0-or-later
//
// The one user of LLVM libObject. libObject checks bounds, not identity (64 zero bytes are an ELF file to it), so class, machine and
// type are checked here; and its checks come at each access, so all accesses are made here, once.
#include <algorithm>
#include <bit>

#include <llvm/Object/ELF.h>

#include "common/elf/object.h"
#include "common/support/file.h"

namespace hotpatch::elf {
namespace {

using namespace llvm::ELF;  // the constants of the ELF specification
using File = llvm::object::ELFFile<llvm::object::ELF64LE>;

/// Nothing that a compiler or a linker of a kernel makes comes near these.
constexpr std::size_t kMaxSections = std::size_t{1} << 20;
constexpr std::size_t kMaxSymbols = std::size_t{1} << 24;
/// A large page of x86-64 is 2 MiB; whoever writes an object pads up to the alignment.
constexpr std::uint64_t kMaxAlignment = std::uint64_t{1} << 24;
/// Addresses of the upper half are as large as addends get (a symbol minus the kernel's base): no user of one has to expect overflow.
constexpr std::int64_t kMaxAddend = std::int64_t{1} << 62;

std::string_view view(llvm::StringRef text) noexcept { return {text.data(), text.size()}; }

tl::unexpected<Error> malformed(const std::string& name, llvm::Error error) {
  return fail(Errc::kMalformed, name + ": " + llvm::toString(std::move(error)));
}

#define HP_LLVM(lhs, ...) HP_LLVM_IMPL(HP_CONCAT(hp_expected_, __COUNTER__), lhs, __VA_ARGS__)
#define HP_LLVM_IMPL(tmp, lhs, ...)                   \
  auto tmp = (__VA_ARGS__);                           \
  if (!tmp) return malformed(name_, tmp.takeError()); \
  lhs = *tmp

SymbolBinding binding_of(unsigned binding) noexcept {
  switch (binding) {
    case STB_LOCAL: return SymbolBinding::kLocal;
    case STB_GLOBAL: return SymbolBinding::kGlobal;
    case STB_WEAK: return SymbolBinding::kWeak;
    default: return SymbolBinding::kOther;
  }
}

SymbolType type_of(unsigned type) noexcept {
  switch (type) {
    case STT_NOTYPE: return SymbolType::kNone;
    case STT_OBJECT: return SymbolType::kObject;
    case STT_FUNC: return SymbolType::kFunction;
    case STT_SECTION: return SymbolType::kSection;
    case STT_FILE: return SymbolType::kFile;
    default: return SymbolType::kOther;
  }
}

}  // namespace

class ObjectParser {
 public:
  ObjectParser(Bytes bytes, std::string name) : name_(name) {
    object_.bytes_ = std::move(bytes);
    object_.name_ = std::move(name);
  }
  ObjectParser(MappedFile mapping, std::string name) : name_(name) {
    object_.mapping_ = std::move(mapping);
    object_.name_ = std::move(name);
  }

  Result<Object> parse() {
    HP_TRY(check_identity());
    HP_LLVM(const File file, File::create(llvm::StringRef(as_text(object_.bytes()).data(), object_.bytes().size())));
    HP_LLVM(const auto headers, file.sections());
    HP_TRY(read_sections(file, headers));
    HP_TRY(read_symbols(file, headers));
    if (object_.type_ == FileType::kRelocatable) HP_TRY(read_relocations(file, headers));
    return std::move(object_);
  }

 private:
  Result<> check_identity() {
    const ByteView bytes = object_.bytes();
    const auto wrong = [&](const std::string& what) { return fail(Errc::kUnsupported, name_ + ": " + what); };
    if (bytes.size() < sizeof(Elf64_Ehdr) || as_text(bytes.first(4)) != "\177ELF")
      return as_text(bytes).starts_with("BC\xC0\xDE")
                 ? fail(Error(Errc::kUnsupported, name_ + ": holds LLVM's bitcode and no machine code")
                            .with_remedy("compile without -flto"))
                 : fail(Errc::kMalformed, name_ + ": not an ELF file (" + std::to_string(bytes.size()) + " bytes)");
    if (load_le<std::uint8_t>(bytes, EI_CLASS) != ELFCLASS64) return wrong("not a 64-bit ELF file");
    if (load_le<std::uint8_t>(bytes, EI_DATA) != ELFDATA2LSB) return wrong("not a little-endian ELF file");
    const auto machine = load_le<std::uint16_t>(bytes, offsetof(Elf64_Ehdr, e_machine));
    if (machine != EM_X86_64) return wrong("machine " + std::to_string(machine) + " is not x86-64 (62)");
    const auto type = load_le<std::uint16_t>(bytes, offsetof(Elf64_Ehdr, e_type));
    switch (type) {
      case ET_REL: object_.type_ = FileType::kRelocatable; break;
      case ET_EXEC: object_.type_ = FileType::kExecutable; break;
      case ET_DYN: object_.type_ = FileType::kShared; break;
      default: return wrong("ELF type " + std::to_string(type) + " is neither an object nor a linked image");
    }
    return {};
  }

  Result<> read_sections(const File& file, File::Elf_Shdr_Range headers) {
    if (headers.size() > kMaxSections)
      return fail(Errc::kMalformed, name_ + ": " + std::to_string(headers.size()) + " sections are too many");
    if (headers.empty()) return fail(Errc::kMalformed, name_ + ": has no section headers");
    object_.sections_.reserve(headers.size());
    for (const auto& header : headers) {
      const std::string where = "section " + std::to_string(object_.sections_.size());
      HP_LLVM(const llvm::StringRef section_name, file.getSectionName(header));
      Section section;
      section.name = view(section_name);
      section.type = header.sh_type;
      section.flags = header.sh_flags;
      section.address = header.sh_addr;
      section.size = header.sh_size;
      section.alignment = std::max<std::uint64_t>(1, header.sh_addralign);
      section.entry_size = header.sh_entsize;
      section.link = header.sh_link;
      section.info = header.sh_info;
      if (!std::has_single_bit(section.alignment))
        return fail(Errc::kMalformed, name_ + ": " + where + " " + std::string(section.name) + ": alignment " +
                                          std::to_string(section.alignment) + " is not a power of two");
      if (section.alignment > kMaxAlignment && object_.type_ == FileType::kRelocatable)
        return fail(Errc::kMalformed, name_ + ": " + where + " " + std::string(section.name) + ": alignment " +
                                          hex(section.alignment) + " is more than any target's");
      if (section.type == SHT_NULL) {
        section.size = 0;
      } else if (section.type != SHT_NOBITS) {
        HP_LLVM(const llvm::ArrayRef<std::uint8_t> contents, file.getSectionContents(header));
        section.contents = std::as_bytes(std::span(contents.data(), contents.size()));
        if (section.is_compressed()) HP_TRY(read_compressed_size(section, where));
      } else if (section.size > kMaxFileSize) {
        return fail(Errc::kMalformed,
                    name_ + ": " + where + " " + std::string(section.name) + ": " + hex(section.size) + " bytes are too many");
      }
      object_.sections_.push_back(std::move(section));
    }
    return {};
  }

  /// Relocations count in what the section unpacks to.
  Result<> read_compressed_size(Section& section, const std::string& where) const {
    const auto bad = [&](const char* what) {
      return fail(Errc::kMalformed, name_ + ": " + where + " " + std::string(section.name) + ": " + what);
    };
    if (section.is_allocated()) return bad("is compressed, and is to be loaded");
    if (section.contents.size() < sizeof(Elf64_Chdr)) return bad("is compressed, and is too short to say how");
    section.size = load_le<std::uint64_t>(section.contents, offsetof(Elf64_Chdr, ch_size));
    if (section.size > kMaxFileSize) return bad("unpacks to too many bytes");
    return {};
  }

  Result<> read_symbols(const File& file, File::Elf_Shdr_Range headers) {
    const typename File::Elf_Shdr* table = nullptr;
    for (const auto& header : headers) {
      if (header.sh_type != SHT_SYMTAB) continue;
      if (table != nullptr) return fail(Errc::kMalformed, name_ + ": has two symbol tables");
      table = &header;
    }
    if (table == nullptr) return {};
    symbol_table_ = static_cast<std::size_t>(table - headers.begin());
    HP_LLVM(const auto symbols, file.symbols(table));
    HP_LLVM(const llvm::StringRef names, file.getStringTableForSymtab(*table, headers));
    llvm::ArrayRef<File::Elf_Word> extended;
    for (const auto& header : headers) {
      if (header.sh_type != SHT_SYMTAB_SHNDX || header.sh_link != symbol_table_) continue;
      HP_LLVM(extended, file.getSHNDXTable(header));
    }
    if (symbols.size() > kMaxSymbols)
      return fail(Errc::kMalformed, name_ + ": " + std::to_string(symbols.size()) + " symbols are too many");
    object_.symbols_.reserve(symbols.size());
    for (const auto& raw : symbols) {
      const std::size_t index = object_.symbols_.size();
      HP_LLVM(const llvm::StringRef symbol_name, raw.getName(names));
      Symbol symbol;
      symbol.name = view(symbol_name);
      symbol.binding = binding_of(raw.getBinding());
      symbol.type = type_of(raw.getType());
      symbol.value = raw.st_value;
      symbol.size = raw.st_size;
      HP_TRY(place_symbol(raw.st_shndx, index, extended, symbol));
      object_.symbols_.push_back(symbol);
    }
    return {};
  }

  Result<> place_symbol(std::uint16_t shndx, std::size_t index, llvm::ArrayRef<File::Elf_Word> extended, Symbol& symbol) {
    const auto bad = [&](const std::string& what) {
      return fail(Errc::kMalformed, name_ + ": symbol " + std::to_string(index) + " '" + std::string(symbol.name) + "': " + what);
    };
    std::size_t section = shndx;
    switch (shndx) {
      case SHN_UNDEF: symbol.place = SymbolPlace::kUndefined; return {};
      case SHN_ABS: symbol.place = SymbolPlace::kAbsolute; return {};
      case SHN_COMMON: symbol.place = SymbolPlace::kCommon; return {};
      case SHN_XINDEX:
        if (index >= extended.size()) return bad("has an extended section number, and the table for it is too short");
        section = extended[index];
        break;
      default:
        if (shndx >= SHN_LORESERVE) return bad("reserved section number " + hex(shndx));
    }
    if (section >= object_.sections_.size())
      return bad("section " + std::to_string(section) + " of " + std::to_string(object_.sections_.size()));
    symbol.place = SymbolPlace::kSection;
    symbol.section = SectionIndex(section);
    if (object_.type_ == FileType::kRelocatable) {
      const std::uint64_t room = object_.sections_[section].size;
      if (symbol.value > room || symbol.size > room - symbol.value)
        return bad("[" + hex(symbol.value) + ", +" + hex(symbol.size) + ") runs out of section " +
                   std::string(object_.sections_[section].name) + " of " + hex(room) + " bytes");
    }
    return {};
  }

  Result<> read_relocations(const File& file, File::Elf_Shdr_Range headers) {
    for (const auto& header : headers) {
      // clang notes on calls (.llvm.call-graph-profile) are such; what is not in the image does not count.
      const bool is_image = header.sh_info < object_.sections_.size() && object_.sections_[header.sh_info].is_allocated();
      if (header.sh_type == SHT_REL && header.sh_size != 0 && is_image)
        return fail(Errc::kUnsupported,
                    name_ + ": " + std::string(object_.sections_[static_cast<std::size_t>(&header - headers.begin())].name) +
                        ": relocations without addends (SHT_REL)");
      if (header.sh_type != SHT_RELA) continue;
      const auto relocation_section = static_cast<std::size_t>(&header - headers.begin());
      const std::string where = name_ + ": " + std::string(object_.sections_[relocation_section].name);
      if (header.sh_info == 0 || header.sh_info >= object_.sections_.size())
        return fail(Errc::kMalformed, where + ": applies to section " + std::to_string(header.sh_info) + " of " +
                                          std::to_string(object_.sections_.size()));
      if (symbol_table_ == 0 || header.sh_link != symbol_table_)
        return fail(Errc::kMalformed,
                    where + ": its symbol table, section " + std::to_string(header.sh_link) + ", is not the file's");
      Section& target = object_.sections_[header.sh_info];
      // As old assemblers compressed debugging information: without a flag. Nobody reads it.
      if (target.name.starts_with(".zdebug")) continue;
      HP_LLVM(const auto relocations, file.relas(header));
      target.relocations.reserve(target.relocations.size() + relocations.size());
      for (const auto& raw : relocations) {
        const std::uint32_t symbol = raw.getSymbol(false);
        if (symbol >= object_.symbols_.size())
          return fail(Errc::kMalformed, where + ": relocation at " + hex(raw.r_offset) + ": symbol " + std::to_string(symbol) +
                                            " of " + std::to_string(object_.symbols_.size()));
        // The width of the field is the reader's business who knows the type; that it starts inside is ours.
        if (raw.r_offset >= target.size)
          return fail(Errc::kMalformed, where + ": relocation at " + hex(raw.r_offset) + " is outside of the " +
                                            hex(target.size) + " bytes of " + std::string(target.name));
        if (raw.r_addend > kMaxAddend || raw.r_addend < -kMaxAddend)
          return fail(Errc::kMalformed,
                      where + ": relocation at " + hex(raw.r_offset) + ": addend " + std::to_string(raw.r_addend) + " is absurd");
        target.relocations.push_back({raw.r_offset, raw.getType(false), SymbolIndex(symbol), raw.r_addend});
      }
      std::ranges::stable_sort(target.relocations, {}, &Relocation::offset);
    }
    return {};
  }

  Object object_;
  std::string name_;
  std::size_t symbol_table_ = 0;
};

Result<Object> parse_object(Bytes bytes, std::string name) { return ObjectParser(std::move(bytes), std::move(name)).parse(); }

Result<Object> read_object(const std::filesystem::path& path) {
  HP_ASSIGN(Bytes bytes, read_file(path));
  return parse_object(std::move(bytes), path.string());
}

Result<Object> map_object(const std::filesystem::path& path) {
  HP_ASSIGN(MappedFile mapping, MappedFile::open(path));
  return ObjectParser(std::move(mapping), path.string()).parse();
}

}  // namespace hotpatch::elf
