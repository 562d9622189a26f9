"""Which module defined which flag: what absl's FlagValues keeps besides the flags."""


class FlagModules:
    """Flags by the modules that registered them."""

    def flags_by_module_dict(self):
        """{module name: [Flag]}."""
        return self.__dict__["__modules"]

    def flags_by_module_id_dict(self):
        """{module id: [Flag]}."""
        return self.__dict__["__module_ids"]

    def key_flags_by_module_dict(self):
        """{module name: [Flag]} of the flags that a module's help tells."""
        return self.__dict__["__key_flags"]

    def register_flag_by_module(self, module_name, flag):
        """Notes that a module defines a flag."""
        self.flags_by_module_dict().setdefault(module_name, []).append(flag)

    def register_flag_by_module_id(self, module_id, flag):
        """Notes that the module with an id defines a flag."""
        self.flags_by_module_id_dict().setdefault(module_id, []).append(flag)

    def register_key_flag_for_module(self, module_name, flag):
        """Notes that a module's help tells a flag."""
        self.key_flags_by_module_dict().setdefault(module_name, []).append(flag)

    def get_flags_for_module(self, module):
        """The flags that a module defines."""
        return list(self.flags_by_module_dict().get(getattr(module, "__name__", module), []))

    def get_key_flags_for_module(self, module):
        """The flags that a module's help tells."""
        key = self.key_flags_by_module_dict().get(getattr(module, "__name__", module), [])
        return self.get_flags_for_module(module) + [
            flag for flag in key if flag not in self.get_flags_for_module(module)
        ]

    def _defining(self, table, flagname, default):
        for module, flags in table.items():
            if any(flagname in (flag.name, flag.short_name) for flag in flags):
                return module
        return default

    def find_module_defining_flag(self, flagname, default=None):
        """The name of the module that defines a flag."""
        return self._defining(self.flags_by_module_dict(), flagname, default)

    def find_module_id_defining_flag(self, flagname, default=None):
        """The id of the module that defines a flag."""
        return self._defining(self.flags_by_module_id_dict(), flagname, default)

    def module_help(self, module):
        """A text that tells the flags of a module."""
        return "\n".join(f"  --{flag.name}: {flag.help}" for flag in self.get_key_flags_for_module(module))

    def write_help_in_xml_format(self, outfile=None):
        """Writes all flags as XML to a file (standard output)."""
        import sys
        from xml.sax.saxutils import escape

        out = outfile or sys.stdout
        out.write('<?xml version="1.0" ?>\n<AllFlags>\n')
        for name in sorted(self):
            flag = self[name]
            if flag.name == name:
                parts = {"name": name, "meaning": flag.help, "default": str(flag.default), "type": flag.flag_type()}
                inner = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in parts.items())
                out.write(f"  <flag>{inner}</flag>\n")
        out.write("</AllFlags>\n")
