import FoundationEssentials

/// A file's attributes; a symbolic link is followed. Nil when they cannot be read.
package struct FileAttributes {
    package let bytes: Int
    let permissions: Int

    // Not stat(2): with Swift's library linked statically the compiler attributes it to another module, which cannot be imported.
    package init?(of path: String) {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: target),
            let bytes = Self.integer(attributes[.size]), let permissions = Self.integer(attributes[.posixPermissions])
        else { return nil }
        self.bytes = bytes
        self.permissions = permissions
    }

    /// A number of Swift's, or of Foundation's where a process links Foundation, as tests do. Both describe themselves by their digits.
    private static func integer(_ value: Any?) -> Int? {
        value.flatMap { Int("\($0)") }
    }
}
