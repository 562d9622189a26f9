/* Names functions by address: which file is mapped there says /proc/self/maps, which function it is the file's own
 * symbol table (ELF, 64 bits), where static functions are too unless it was stripped. The dynamic loader, which would
 * know less, is not asked: a thread that hangs may hold its lock. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "monitor/impl.h"

typedef struct mapping {
  uintptr_t begin, end, offset;
  char path[256];
} mapping;

struct tn_symbols {
  size_t n, capacity;
  mapping *mappings;
  /* The file that was looked into last, and its bytes; NULL: it is none that can be read. */
  const mapping *open;
  const char *data;
  size_t size;
};

static bool add_mapping(tn_symbols *s, const mapping *m) {
  if (s->n == s->capacity) {
    size_t more = s->capacity ? 2 * s->capacity : 64;
    mapping *all = tn_realloc(s->mappings, more * sizeof *all);
    if (!all) return false;
    s->mappings = all;
    s->capacity = more;
  }
  s->mappings[s->n++] = *m;
  return true;
}

tn_symbols *tn_symbols_new(void) {
  tn_symbols *s = tn_calloc(1, sizeof *s);
  FILE *file = s ? fopen("/proc/self/maps", "r") : NULL;
  char line[1024], rights[8];
  while (file && fgets(line, sizeof line, file)) {
    mapping m = {0};
    unsigned long begin, end, offset;
    int n = sscanf(line, "%lx-%lx %7s %lx %*s %*s %255[^\n]", &begin, &end, rights, &offset, m.path);
    m.begin = begin, m.end = end, m.offset = offset;
    if (n >= 4 && rights[2] == 'x' && !add_mapping(s, &m)) break;
  }
  if (file) fclose(file);
  return s;
}

static void close_file(tn_symbols *s) {
  if (s->data) munmap((void *)s->data, s->size);
  s->data = NULL;
  s->open = NULL;
}

void tn_symbols_free(tn_symbols *s) {
  if (!s) return;
  close_file(s);
  tn_free(s->mappings);
  tn_free(s);
}

static void open_file(tn_symbols *s, const mapping *m) {
  if (s->open && !strcmp(s->open->path, m->path)) return;
  close_file(s);
  s->open = m;
  struct stat status;
  int fd = m->path[0] == '/' ? open(m->path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  if (!fstat(fd, &status) && (size_t)status.st_size > sizeof(Elf64_Ehdr)) {
    void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data != MAP_FAILED) s->data = data, s->size = (size_t)status.st_size;
  }
  close(fd);
}

/* N elements of SIZE bytes at OFFSET of the file; NULL if it does not hold them, or they are not aligned to 8. */
static const void *part(const tn_symbols *s, uint64_t offset, uint64_t n, uint64_t size) {
  return offset % 8 == 0 && offset <= s->size && n <= (s->size - offset) / size ? s->data + offset : NULL;
}

static const Elf64_Ehdr *header(const tn_symbols *s) {
  const Elf64_Ehdr *h = (const Elf64_Ehdr *)s->data;
  bool good = s->data && !memcmp(h->e_ident, ELFMAG, SELFMAG) && h->e_ident[EI_CLASS] == ELFCLASS64;
  return good && h->e_shentsize == sizeof(Elf64_Shdr) && h->e_phentsize == sizeof(Elf64_Phdr) ? h : NULL;
}

/* The address that the linker gave to what lies at OFFSET of the file. */
static bool linked_address(const tn_symbols *s, const Elf64_Ehdr *h, uint64_t offset, uint64_t *out) {
  const Elf64_Phdr *p = part(s, h->e_phoff, h->e_phnum, sizeof *p);
  for (int i = 0; p && i < h->e_phnum; i++)
    if (p[i].p_type == PT_LOAD && offset >= p[i].p_offset && offset - p[i].p_offset < p[i].p_filesz) {
      *out = offset - p[i].p_offset + p[i].p_vaddr;
      return true;
    }
  return false;
}

/* Looks for ADDRESS in the symbols of one section; the name, or NULL. */
static const char *look_in(const tn_symbols *s, const Elf64_Shdr *table, const Elf64_Shdr *names, uint64_t *address) {
  uint64_t n = table->sh_size / sizeof(Elf64_Sym);
  const Elf64_Sym *symbol = part(s, table->sh_offset, n, sizeof *symbol);
  for (uint64_t i = 0; symbol && i < n; i++, symbol++) {
    if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || *address < symbol->st_value ||
        *address - symbol->st_value >= symbol->st_size)
      continue;
    uint64_t at = names->sh_offset + symbol->st_name;
    if (symbol->st_name >= names->sh_size || names->sh_size > s->size || at >= s->size ||
        !memchr(s->data + at, 0, s->size - at))
      return NULL;
    *address -= symbol->st_value;
    return s->data + at;
  }
  return NULL;
}

static const char *function_at(const tn_symbols *s, uint64_t offset, uint64_t *into) {
  static const Elf64_Word kinds[] = {SHT_SYMTAB, SHT_DYNSYM};
  const Elf64_Ehdr *h = header(s);
  if (!h || !linked_address(s, h, offset, into)) return NULL;
  const Elf64_Shdr *sections = part(s, h->e_shoff, h->e_shnum, sizeof *sections);
  for (int kind = 0; sections && kind < 2; kind++)
    for (int i = 0; i < h->e_shnum; i++) {
      const Elf64_Shdr *table = &sections[i];
      if (table->sh_type != kinds[kind] || table->sh_link >= h->e_shnum) continue;
      const char *name = look_in(s, table, &sections[table->sh_link], into);
      if (name) return name;
    }
  return NULL;
}

static const mapping *mapping_of(const tn_symbols *s, uintptr_t at) {
  for (size_t i = 0; i < s->n; i++)
    if (at >= s->mappings[i].begin && at < s->mappings[i].end) return &s->mappings[i];
  return NULL;
}

bool tn_symbols_returns_to(const tn_symbols *s, const void *address) {
  const mapping *m = mapping_of(s, (uintptr_t)address);
  const unsigned char *at = address;
  if (!m || m->path[0] != '/' || (uintptr_t)at - m->begin < 8) return false;
#if defined(__x86_64__)
  /* call rel32; call through a register or memory: opcode FF, 2 in the middle of the next byte. */
  static const int sizes[] = {2, 3, 4, 6, 7};
  if (at[-5] == 0xe8) return true;
  for (int i = 0; i < 5; i++)
    if (at[-sizes[i]] == 0xff && (at[1 - sizes[i]] >> 3 & 7) == 2) return true;
  return false;
#else
  return (uintptr_t)at % 4 == 0;
#endif
}

void tn_symbols_add(tn_symbols *s, const void *address, tn_str *out) {
  uintptr_t at = (uintptr_t)address;
  const mapping *m = mapping_of(s, at);
  if (!m) {
    tn_str_addf(out, "%p", address);
    return;
  }
  open_file(s, m);
  uint64_t into = 0, offset = at - m->begin + m->offset;
  const char *name = function_at(s, offset, &into), *slash = strrchr(m->path, '/');
  if (name)
    tn_str_addf(out, "%s+0x%llx (%s)", name, (unsigned long long)into, slash ? slash + 1 : m->path);
  else
    tn_str_addf(out, "0x%llx (%s)", (unsigned long long)offset, slash ? slash + 1 : m->path);
}
