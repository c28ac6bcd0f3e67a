import FoundationEssentials

/// What the file system says of a file; a symbolic link is followed. Nil when it cannot be asked.
struct FileAttributes {
    let bytes: Int
    let permissions: Int

    init?(of path: String) {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: target),
            let bytes = attributes[.size] as? any BinaryInteger, let permissions = attributes[.posixPermissions] as? any BinaryInteger
        else { return nil }
        self.bytes = Int(clamping: bytes)
        self.permissions = Int(clamping: permissions)
    }
}
