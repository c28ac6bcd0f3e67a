extension Double {
    /// With one decimal.
    package var tenths: String { "\((self * 10).rounded() / 10)" }
}

extension String {
    package func padded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
