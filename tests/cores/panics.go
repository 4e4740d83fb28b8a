// Panics in the way that the argument names; wants GOTRACEBACK=crash for a core.
package main

import (
	"errors"
	"os"
)

func element(values []int, index int) int { return values[index] }

func main() {
	switch os.Args[1] {
	case "string":
		panic("a plain message")
	case "error":
		panic(errors.New("an error value"))
	case "index":
		println(element([]int{1, 2, 3}, len(os.Args)+5))
	case "asleep":
		<-make(chan int)
	}
}
