import FoundationEssentials

/// What the file system says of a file; a symbolic link is followed. Nil when it cannot be asked.
package struct FileAttributes {
    package let bytes: Int
    let permissions: Int

    // Not stat(2): with Swift's library linked statically the compiler takes it for another module's, which cannot be imported.
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
