import Foundation

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

    /// A number of Foundation's or one of Swift's, depending on which of the two libraries answers.
    private static func integer(_ value: Any?) -> Int? {
        if let number = value as? NSNumber { return number.intValue }
        return (value as? any BinaryInteger).map { Int(clamping: $0) }
    }
}
