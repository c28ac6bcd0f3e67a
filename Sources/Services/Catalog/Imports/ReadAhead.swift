import FoundationEssentials
import Synchronization

/// The next rows of the import that took the latest step in this process, read while the database worked on the rows before them. It holds one part, of one window.
/// An import whose next step comes to another process reads them again.
final class ReadAhead: Sendable {
    private let kept = Mutex<(id: UUID, part: ImportPart)?>(nil)

    func keep(_ part: ImportPart?, of id: UUID) {
        kept.withLock { $0 = part.map { (id, $0) } }
    }

    /// The rows after the reader's position; nil if they were not read ahead.
    func take(_ id: UUID, behind reader: ImportReader) -> ImportPart? {
        let found = kept.withLock { kept in
            defer { kept = nil }
            return kept
        }
        // The preceding rows may have changed how amounts are interpreted.
        var reader = reader
        reader.amounts = found?.part.before.amounts
        guard let found, found.id == id, found.part.before == reader else { return nil }
        return found.part
    }
}
