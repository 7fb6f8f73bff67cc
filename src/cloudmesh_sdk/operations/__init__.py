"""Operations: journalled before they go out, run in threads, found again after a crash."""
