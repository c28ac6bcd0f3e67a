/// Finds the intended name for a mistyped one.
enum NearestName {
    /// With more typing errors than this it is a different word.
    private static let maximumDistance = 3

    static func nearest(to name: String, among names: some Sequence<String>) -> String? {
        let near = names.map { (name: $0, distance: distance(name, $0)) }.min { $0.distance < $1.distance }
        return near.flatMap { $0.distance <= maximumDistance ? $0.name : nil }
    }

    /// How many bytes have to be inserted, removed or replaced to turn one into the other (Levenshtein).
    static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        var row = Array(0...b.count)
        for (i, byte) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}
